import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { messageOf, RefusedError } from "../base/errors.ts";

/** Where PEM files lie. */
export type TlsPaths = { readonly key: string; readonly certificate: string; readonly authorities?: string | undefined };
/** What is in them. */
export type TlsFiles = { readonly key: string; readonly certificate: string; readonly authorities: string | null };

/** Refused where a file can't be read, or where they do not fit together, as `check` finds. */
export async function readTlsFiles(paths: TlsPaths, check: (files: TlsFiles) => void): Promise<TlsFiles> {
  const files = {
    key: await readPem(paths.key),
    certificate: await readPem(paths.certificate),
    authorities: paths.authorities === undefined ? null : await readPem(paths.authorities),
  };
  try {
    check(files);
  } catch (error) {
    throw new RefusedError("tls-unusable", `TLS key, certificate and authorities can't be used: ${messageOf(error)}`, { cause: error });
  }
  return files;
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new RefusedError("tls-unusable", `can't read the TLS file ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** When the first certificate of a PEM file ends to be valid, UTC epoch ms. */
export function certificateEnd(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo);
}

/**
 * Calls `changed` a few seconds after one of the files was replaced: a renewed certificate counts without a restart. By time and size, since
 * whoever renews renames a new file over the old one, which the watchers of the system lose sight of.
 */
export function watchTlsFiles(paths: TlsPaths, changed: () => void, everyMs = 5_000): { stop(): void } {
  const stateOf = async (): Promise<string> => {
    const files = Object.values(paths).filter((path) => path !== undefined);
    const states = await Promise.all(files.map((path) => stat(path).catch(() => null))); // away: in the midst of being replaced
    return states.map((state) => (state ? `${state.mtimeMs} ${state.size} ${state.ino}` : "away")).join("; ");
  };
  let known: string | null = null;
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    const now = await stateOf();
    isLooking = false;
    const isChanged = known !== null && known !== now;
    known = now;
    if (isChanged) changed();
  };
  void look();
  const timer = setInterval(look, everyMs);
  return { stop: () => clearInterval(timer) };
}
