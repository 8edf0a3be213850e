import { sign } from "node:crypto";
import { isIP } from "node:net";
import { RefusedError } from "../base/errors.ts";
import { bitString, objectIdentifier, octetString, sequence, setOf, taggedPrimitive, utf8String, yes } from "./der.ts";

const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectAlternativeName: "2.5.29.17",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

/** Name of RFC 5280; an empty organization is left out. */
export function distinguishedName(commonName: string, organization: string): Buffer {
  const attribute = (oid: string, text: string) => setOf(sequence(objectIdentifier(oid), utf8String(text)));
  return sequence(
    ...(organization ? [attribute(oids.organization, organization)] : []),
    attribute(oids.commonName, commonName.slice(0, 64)), // ub-common-name, RFC 5280; the whole name is among the alternative ones
  );
}

export function extension(oid: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(isCritical ? [yes()] : []), octetString(value));
}

/** The extension that holds host names and addresses. Refused where a name is none. */
export function alternativeNames(names: readonly string[]): Buffer {
  return extension(oids.subjectAlternativeName, sequence(...names.map(alternativeName)));
}

/** AlgorithmIdentifier of {@link signedPem}. */
export const signatureAlgorithm = (): Buffer => sequence(objectIdentifier(oids.ecdsaWithSha256));

/** What is to be signed, its algorithm and signature, as PEM. */
export function signedPem(label: string, content: Uint8Array, privateKey: string): string {
  const signed = sequence(content, signatureAlgorithm(), bitString(sign("sha256", content, privateKey)));
  const lines = signed.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
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
