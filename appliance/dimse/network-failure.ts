import { RefusedError, UnavailableError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";

/** What a socket's error means for whoever called a node: which link of the chain is broken. `isTls`: the TLS handshake is not over, or may not be. */
export function networkFailure(nodeName: string, error: Error & { readonly code?: string }, isTls: boolean): UnavailableError {
  if (error instanceof RefusedError) return new UnavailableError(error.code, `${nodeName}: ${error.message}`, { cause: error });
  const code = codesOfSystem[error.code ?? ""] ?? (isTls ? "tls-failed" : "association-aborted");
  return new UnavailableError(code, `${nodeName}: ${plainly(error)}`, { cause: error });
}

const codesOfSystem: Readonly<Record<string, string>> = {
  ECONNREFUSED: "peer-refused-connection",
  EHOSTUNREACH: "peer-unreachable",
  ENETUNREACH: "peer-unreachable",
  EHOSTDOWN: "peer-unreachable",
  ENETDOWN: "peer-unreachable",
  EADDRNOTAVAIL: "peer-unreachable",
  ENOTFOUND: "peer-unreachable",
  EAI_AGAIN: "peer-unreachable",
  ETIMEDOUT: "peer-timeout",
};
