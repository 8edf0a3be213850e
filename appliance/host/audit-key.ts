import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readIfThere, writeKey } from "./key-file.ts";

/** The Ed25519 key of a box at `path` (PKCS #8, PEM), made there with mode 0600 when absent; its public half (SPKI, PEM) lies beside it. */
export async function openAuditKey(path: string): Promise<KeyObject> {
  const known = await readIfThere(path);
  if (known !== null) return createPrivateKey(known);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  await writeKey(`${path}.pub`, String(publicKey.export({ type: "spki", format: "pem" })));
  await writeKey(path, String(privateKey.export({ type: "pkcs8", format: "pem" })));
  return privateKey;
}

/** The public key in a PEM file. */
export async function readPublicKey(path: string): Promise<KeyObject> {
  return createPublicKey(await readFile(path, "utf8"));
}

/** Base64. */
export function signText(text: string, key: KeyObject): string {
  return sign(null, Buffer.from(text), key).toString("base64");
}

export function isSigned(text: string, signature: string, key: KeyObject): boolean {
  return verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}
