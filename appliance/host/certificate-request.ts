import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { RefusedError } from "../base/errors.ts";
import { alternativeNames, distinguishedName, signedPem } from "./certificate-parts.ts";
import { objectIdentifier, sequence, setOf, smallInteger, tagged } from "./der.ts";

export type RequestedCertificate = {
  /** Host names and addresses that peers reach the box by; the first is the common name too. */
  readonly names: readonly string[];
  /** Organization; empty: none. */
  readonly organization: string;
};

const extensionRequest = "1.2.840.113549.1.9.14";

/** A new private key on P-256, PKCS #8 PEM. */
export function makePrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/**
 * A certificate signing request (PKCS #10, RFC 2986), PEM: what an authority needs to certify a P-256 key for these names. Refused where a
 * name is none.
 */
export function requestCertificate(privateKey: string, { names, organization }: RequestedCertificate): string {
  const [commonName] = names;
  if (commonName === undefined) throw new RefusedError("names-missing", "expected at least one host name or address for the certificate");
  const attributes = tagged(0, sequence(objectIdentifier(extensionRequest), setOf(sequence(alternativeNames(names)))));
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const info = sequence(smallInteger(0), distinguishedName(commonName, organization), publicKey, attributes);
  return signedPem("CERTIFICATE REQUEST", info, privateKey);
}
