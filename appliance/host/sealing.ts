import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { RefusedError } from "../base/errors.ts";
import { readIfThere, writeKey } from "./key-file.ts";

const keyBytes = 32;
const nonceBytes = 12; // NIST SP 800-38D, 8.2.2: random, for far fewer than 2^32 sealings
const tagBytes = 16;

/**
 * Encrypts small secrets that the database has to keep readable, with a key that lies beside it in a file of its own (mode 0600): a copy of
 * the database alone gives them away no more than it gives away passwords. AES-256-GCM.
 */
export class Sealing {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /** Reads the key, or makes one where there is none. The folder must be there. */
  static async open(path: string): Promise<Sealing> {
    const key = await readIfThere(path);
    if (key && key.length !== keyBytes)
      throw new RefusedError("key-unreadable", `expected ${keyBytes} bytes in ${path}, found ${key.length}; restore it from a backup`);
    return new Sealing(key ?? (await makeKey(path)));
  }

  /** @param purpose what it is for and whose: what was sealed for one purpose can't be passed off for another */
  seal(secret: Uint8Array, purpose: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(purpose));
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString("base64");
  }

  /** Undefined where it was sealed with another key or for another purpose, or was changed. */
  unseal(sealed: string, purpose: string): Buffer | undefined {
    const bytes = Buffer.from(sealed, "base64");
    if (bytes.length < nonceBytes + tagBytes) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    } catch {
      return undefined; // node:crypto has no error class or code for a tag that does not fit
    }
  }
}

async function makeKey(path: string): Promise<Buffer> {
  const key = randomBytes(keyBytes);
  await writeKey(path, key);
  return key;
}
