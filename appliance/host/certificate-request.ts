import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { isIP } from "node:net";
import { RefusedError } from "../base/errors.ts";
import { bitString, objectIdentifier, octetString, sequence, setOf, smallInteger, tagged, taggedPrimitive, utf8String } from "./der.ts";

export type RequestedCertificate = {
  /** Host names and addresses that peers reach the box by; the first is the common name too. */
  readonly names: readonly string[];
  /** Organization; empty: none. */
  readonly organization: string;
};

const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  extensionRequest: "1.2.840.113549.1.9.14",
  subjectAlternativeName: "2.5.29.17",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

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
  const attribute = (oid: string, text: string) => setOf(sequence(objectIdentifier(oid), utf8String(text)));
  const subject = sequence(
    ...(organization ? [attribute(oids.organization, organization)] : []),
    attribute(oids.commonName, commonName.slice(0, 64)), // ub-common-name, RFC 5280; the whole name is among the alternative ones
  );
  const alternatives = sequence(...names.map(alternativeName));
  const extension = sequence(objectIdentifier(oids.subjectAlternativeName), octetString(alternatives));
  const attributes = tagged(0, sequence(objectIdentifier(oids.extensionRequest), setOf(sequence(extension))));
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const info = sequence(smallInteger(0), subject, publicKey, attributes);
  const request = sequence(info, sequence(objectIdentifier(oids.ecdsaWithSha256)), bitString(sign("sha256", info, privateKey)));
  const lines = request.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE REQUEST-----", ...lines, "-----END CERTIFICATE REQUEST-----", ""].join("\n");
}

/** GeneralName of RFC 5280: dNSName [2], iPAddress [7]. */
function alternativeName(name: string): Buffer {
  const family = isIP(name);
  if (family === 4) return taggedPrimitive(7, Buffer.from(name.split(".").map(Number)));
  if (family === 6) return taggedPrimitive(7, addressBytes(name));
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(name))
    throw new RefusedError("name-invalid", `expected a host name or an IP address, found ${JSON.stringify(name.slice(0, 60))}`);
  return taggedPrimitive(2, Buffer.from(name, "ascii"));
}

/** The 16 bytes of an IPv6 address, as the URL parser writes it out. */
function addressBytes(address: string): Buffer {
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return Buffer.from([...first, ...zeros, ...last].map((group) => group.padStart(4, "0")).join(""), "hex");
}
