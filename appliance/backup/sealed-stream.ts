import { argon2, createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { RefusedError } from "../base/errors.ts";

/** Names the form and its version. */
const magic = Buffer.from("segbox backup 1\n");
/** Argon2id, RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes. */
const usualCost: Cost = { memory: 65_536, passes: 3, parallelism: 4 };
/** A file may not make us take more than this. */
const highestCost: Cost = { memory: 1_048_576, passes: 16, parallelism: 16 };
const usualPieceBytes = 256 * 1024;
const highestPieceBytes = 4 * 1024 * 1024;
const [saltBytes, prefixBytes, macBytes, tagBytes] = [16, 7, 32, 16];
const fixedBytes = magic.length + 16 + saltBytes + prefixBytes + 1;
export const headBytes = fixedBytes + macBytes;

type Cost = { readonly memory: number; readonly passes: number; readonly parallelism: number };
type Keys = { readonly encryption: Buffer; readonly head: Buffer };
type Bytes = AsyncIterable<Uint8Array>;

/**
 * Encrypts a stream under a passphrase: AES-256-GCM in pieces of one length, each with its number and whether it is the last in its nonce
 * (STREAM, Hoang et al., CRYPTO 2015), so that pieces left out, changed, moved or put in from elsewhere are found, and a file that was cut off
 * too. The key comes from argon2id; the head is authenticated with its sister (HMAC-SHA-256), which also tells a wrong passphrase from
 * a damaged file. README.md has the form byte by byte. In memory are two pieces.
 */
export async function* seal(plain: Bytes | Iterable<Uint8Array>, passphrase: string): AsyncGenerator<Uint8Array, void> {
  const salt = randomBytes(saltBytes);
  const prefix = randomBytes(prefixBytes);
  const keys = await deriveKeys(passphrase, salt, usualCost);
  const fixed = Buffer.concat([
    magic,
    numbers(usualCost.memory, usualCost.passes, usualCost.parallelism, usualPieceBytes),
    salt,
    prefix,
    Buffer.of(0),
  ]);
  yield Buffer.concat([fixed, macOf(fixed, keys)]);
  let number = 0;
  for await (const { piece, isLast } of inPieces(plain, usualPieceBytes)) {
    const cipher = createCipheriv("aes-256-gcm", keys.encryption, nonceOf(prefix, number++, isLast), { authTagLength: tagBytes });
    yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
  }
}

/** What was sealed. Refused at the first byte that is not as it was written, so what came before must not count until the end is reached. */
export async function* unseal(sealed: Bytes, passphrase: string): AsyncGenerator<Uint8Array, void> {
  const source = sealed[Symbol.asyncIterator]();
  const { head, rest } = await takeHead(source);
  const { cost, pieceBytes, salt, prefix } = readHead(head);
  const keys = await deriveKeys(passphrase, salt, cost);
  if (!timingSafeEqual(macOf(head.subarray(0, fixedBytes), keys), head.subarray(fixedBytes)))
    throw new RefusedError(
      "backup-passphrase",
      "this is not the passphrase that the backup was made with (or its first bytes were changed)",
    );
  let number = 0;
  for await (const { piece, isLast } of inPieces(following(rest, source), pieceBytes + tagBytes)) {
    const decipher = createDecipheriv("aes-256-gcm", keys.encryption, nonceOf(prefix, number, isLast), { authTagLength: tagBytes });
    if (piece.length < tagBytes) throw damaged(number);
    decipher.setAuthTag(piece.subarray(-tagBytes));
    let opened: Buffer;
    try {
      opened = Buffer.concat([decipher.update(piece.subarray(0, -tagBytes)), decipher.final()]);
    } catch {
      throw damaged(number); // node:crypto has no error class or code for a tag that does not fit
    }
    number++;
    yield opened;
  }
}

function damaged(number: number): RefusedError {
  return new RefusedError(
    "backup-damaged",
    `piece ${number + 1} is not as it was written: the file was cut off, changed or put together anew; take another backup`,
  );
}

async function deriveKeys(passphrase: string, salt: Buffer, cost: Cost): Promise<Keys> {
  // NFC, as for passwords: the same letters typed on another keyboard are the same passphrase
  const message = Buffer.from(passphrase.normalize("NFC"));
  const bytes = await new Promise<Buffer>((resolve, reject) =>
    argon2("argon2id", { message, nonce: salt, ...cost, tagLength: 64 }, (error, key) => (error ? reject(error) : resolve(key))),
  );
  return { encryption: bytes.subarray(0, 32), head: bytes.subarray(32) };
}

function macOf(fixed: Uint8Array, { head }: Keys): Buffer {
  return createHmac("sha256", head).update(fixed).digest();
}

function nonceOf(prefix: Uint8Array, number: number, isLast: boolean): Buffer {
  if (number > 0xffff_ffff) throw new RefusedError("backup-too-large", "a backup has at most 2^32 pieces, which is a petabyte");
  return Buffer.concat([prefix, numbers(number), Buffer.of(isLast ? 1 : 0)]);
}

/** As 32-bit big-endian. */
function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function readHead(head: Buffer): { cost: Cost; pieceBytes: number; salt: Buffer; prefix: Buffer } {
  const at = magic.length;
  const [memory, passes, parallelism, pieceBytes] = [0, 4, 8, 12].map((offset) => head.readUInt32BE(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const isWithin =
    memory >= 8 * parallelism &&
    memory <= highestCost.memory &&
    passes >= 1 &&
    passes <= highestCost.passes &&
    parallelism >= 1 &&
    parallelism <= highestCost.parallelism &&
    pieceBytes >= 1 &&
    pieceBytes <= highestPieceBytes;
  if (!isWithin)
    throw new RefusedError("backup-damaged", "the head of the backup holds numbers that no release writes; take another backup");
  return {
    cost: { memory, passes, parallelism },
    pieceBytes,
    salt: head.subarray(at + 16, at + 16 + saltBytes),
    prefix: head.subarray(at + 16 + saltBytes, at + 16 + saltBytes + prefixBytes),
  };
}

async function takeHead(source: AsyncIterator<Uint8Array>): Promise<{ head: Buffer; rest: Buffer }> {
  let taken = Buffer.alloc(0);
  while (taken.length < headBytes) {
    const next = await source.next();
    if (next.done) break;
    taken = Buffer.concat([taken, next.value]);
  }
  if (taken.length < headBytes || !taken.subarray(0, magic.length).equals(magic))
    throw new RefusedError("backup-unreadable", "this is no backup of a Segbox");
  return { head: taken.subarray(0, headBytes), rest: taken.subarray(headBytes) };
}

async function* following(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first;
  for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
}

/** The same bytes in pieces of `length`; the last one is shorter where they do not come out even, and empty where there are none. */
async function* inPieces(
  bytes: Bytes | Iterable<Uint8Array>,
  length: number,
): AsyncGenerator<{ readonly piece: Buffer; readonly isLast: boolean }, void> {
  let gathered: Buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; ) {
      if (filled === length) {
        yield { piece: gathered, isLast: false }; // only now it is known that something follows
        gathered = Buffer.allocUnsafe(length);
        filled = 0;
      }
      const count = Math.min(length - filled, chunk.length - at);
      gathered.set(chunk.subarray(at, at + count), filled);
      filled += count;
      at += count;
    }
  yield { piece: gathered.subarray(0, filled), isLast: true };
}
