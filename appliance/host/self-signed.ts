import { createHash, createPublicKey, randomBytes } from "node:crypto";
import { alternativeNames, distinguishedName, extension, signatureAlgorithm, signedPem } from "./certificate-parts.ts";
import { integer, objectIdentifier, octetString, sequence, smallInteger, tagged, time } from "./der.ts";

const dayMs = 86_400_000;
/** The longest that Apple's systems take of a server, whoever signed it; the others take more. */
const validDays = 825;
const clockSkewMs = dayMs;

const oids = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

/**
 * A server's certificate that its own P-256 key signs (RFC 5280), PEM: encrypts from the first minute, until an authority's takes its place.
 *
 * @param names host names and addresses, at least one; the first is the common name too
 * @param now UTC epoch ms; it holds for 825 days, the first of which is over
 */
export function selfSignedCertificate(privateKey: string, names: readonly string[], now: number): string {
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const name = distinguishedName(names[0]!, "");
  const serialNumber = randomBytes(16);
  serialNumber[0] = (serialNumber[0]! & 0x7f) | 0x40; // positive, and of the same length always
  const extensions = [
    // No authority: a certificate of one is refused by Firefox where a server shows it
    extension(oids.basicConstraints, sequence(), true),
    extension(oids.keyUsage, Buffer.from([0x03, 0x02, 0x07, 0x80]), true), // BIT STRING: digitalSignature
    extension(oids.extendedKeyUsage, sequence(objectIdentifier(oids.serverAuth))),
    extension(oids.subjectKeyIdentifier, octetString(createHash("sha1").update(publicKey).digest())),
    alternativeNames(names),
  ];
  const content = sequence(
    tagged(0, smallInteger(2)), // version 3
    integer(serialNumber),
    signatureAlgorithm(),
    name,
    sequence(time(now - clockSkewMs), time(now - clockSkewMs + validDays * dayMs)),
    name,
    publicKey,
    tagged(3, sequence(...extensions)),
  );
  return signedPem("CERTIFICATE", content, privateKey);
}
