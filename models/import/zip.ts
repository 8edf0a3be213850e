import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { RefusedError } from "../../appliance/base/errors.ts";

/** A file inside an archive. */
export type ZipEntry = {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly sizeBytes: number;
  readonly packedBytes: number;
  readonly crc32: number;
  /** Where its bytes begin in the archive. */
  readonly start: number;
};

/** More than any archive of weights has; a directory is read into memory as a whole. */
const mostDirectoryBytes = 64 * 1024 * 1024;
/** Deflate can't do better than 1032 : 1 (zlib's own figure), so an entry that claims more is a lie. */
const highestRatio = 1032;
const pieceBytes = 1 << 20;

/**
 * An archive whose files are read by their place, so that its size does not matter. Everything it claims is checked against the file before it
 * is used: places inside it, no two entries over each other, sizes that deflate can reach, checksums of whatever is read.
 *
 * @source PKWARE APPNOTE.TXT 6.3.10: 4.3.7 local header, 4.3.12 directory, 4.3.14 and 4.3.15 zip64, 4.3.16 end, 4.5.3 zip64 sizes
 */
export class ZipArchive implements AsyncDisposable {
  /** By name, in the order of the directory; folders are left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly #file: FileHandle;
  readonly #refused: (what: string) => RefusedError;

  private constructor(file: FileHandle, entries: ReadonlyMap<string, ZipEntry>, refused: (what: string) => RefusedError) {
    this.#file = file;
    this.entries = entries;
    this.#refused = refused;
  }

  /** RefusedError ("archive-missing", "archive-unreadable") for what is no whole, honest archive. */
  static async open(path: string): Promise<ZipArchive> {
    const name = basename(path);
    const refused = (what: string): RefusedError => new RefusedError("archive-unreadable", `${name} is not a readable archive: ${what}`);
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new RefusedError("archive-missing", `no file at ${path}`, { cause: error });
    }
    try {
      return new ZipArchive(file, await readDirectory(file, refused), refused);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The whole of an entry, its checksum proven. The caller knows that its size is bearable. */
  async read(entry: ZipEntry): Promise<Uint8Array> {
    const bytes = new Uint8Array(entry.sizeBytes);
    let at = 0;
    await this.pour(entry, async (piece) => {
      bytes.set(piece, at);
      at += piece.length;
    });
    return bytes;
  }

  /** Hands out an entry piece by piece; ends with a RefusedError where its size or checksum is not the directory's. */
  async pour(entry: ZipEntry, take: (piece: Uint8Array) => Promise<void>): Promise<void> {
    const refused = (what: string): RefusedError => this.#refused(`${entry.name}: ${what}`);
    let checksum = 0;
    let size = 0;
    const count = async (piece: Uint8Array): Promise<void> => {
      size += piece.length;
      if (size > entry.sizeBytes) throw refused(`it unpacks to more than the ${entry.sizeBytes} bytes that the directory says`);
      checksum = crc32(piece, checksum);
      await take(piece);
    };
    if (entry.isDeflated) await this.#inflate(entry, count, refused);
    else for await (const piece of this.#pieces(entry)) await count(piece);
    if (size !== entry.sizeBytes) throw refused(`expected ${entry.sizeBytes} bytes, found ${size}`);
    if (checksum !== entry.crc32) throw refused("its checksum is wrong, so the file is damaged");
  }

  async #inflate(entry: ZipEntry, count: (piece: Uint8Array) => Promise<void>, refused: (what: string) => RefusedError): Promise<void> {
    try {
      await pipeline(this.#pieces(entry), createInflateRaw(), async (source: AsyncIterable<Uint8Array>) => {
        for await (const piece of source) await count(piece);
      });
    } catch (error) {
      if (typeof (error as { errno?: unknown }).errno !== "number" || error instanceof RefusedError) throw error;
      throw refused("it can't be unpacked");
    }
  }

  async *#pieces({ start, packedBytes }: ZipEntry): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packedBytes; at += pieceBytes)
      yield await readAt(this.#file, start + at, Math.min(pieceBytes, packedBytes - at), this.#refused);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

type Refused = (what: string) => RefusedError;

async function readDirectory(file: FileHandle, refused: Refused): Promise<ReadonlyMap<string, ZipEntry>> {
  const { size } = await file.stat();
  const { start, length, count } = await findDirectory(file, size, refused);
  if (start + length > size) throw refused("it is cut off");
  if (length > mostDirectoryBytes || count > length / 46) throw refused(`a directory of ${length} bytes for ${count} files`);
  const bytes = await readAt(file, start, length, refused);
  const found: (Omit<ZipEntry, "start"> & { readonly header: number })[] = [];
  let at = 0;
  for (let n = 0; n < count; n++) {
    if (at + 46 > length || bytes.readUInt32LE(at) !== 0x02014b50) throw refused("its directory is broken");
    const flags = bytes.readUInt16LE(at + 8);
    const method = bytes.readUInt16LE(at + 10);
    const [nameLength, extraLength, commentLength] = [
      bytes.readUInt16LE(at + 28),
      bytes.readUInt16LE(at + 30),
      bytes.readUInt16LE(at + 32),
    ];
    const end = at + 46 + nameLength + extraLength + commentLength;
    if (end > length) throw refused("its directory is broken");
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    if (flags & 1) throw refused(`${name} is encrypted`);
    if (method !== 0 && method !== 8) throw refused(`${name} is packed by method ${method}, expected stored or deflated`);
    const sizes = sizesOf(bytes.subarray(at, end), nameLength, extraLength, refused);
    const entry = { name, isDeflated: method === 8, crc32: bytes.readUInt32LE(at + 16), ...sizes };
    if (!entry.isDeflated && entry.packedBytes !== entry.sizeBytes) throw refused(`${name} is stored in another size than its own`);
    if (entry.sizeBytes > highestRatio * entry.packedBytes + 1024)
      throw refused(`${name} claims ${entry.sizeBytes} bytes out of ${entry.packedBytes}, more than can be packed into them`);
    found.push(entry);
    at = end;
  }
  const entries = new Map<string, ZipEntry>();
  let free = 0;
  for (const { header, ...entry } of found.toSorted((a, b) => a.header - b.header)) {
    // Entries over each other are how a small archive unpacks to a huge one (D. Fifield, "A better zip bomb", 2019).
    if (header < free) throw refused(`${entry.name} lies over another file`);
    const local = await readAt(file, header, 30, refused);
    if (local.readUInt32LE(0) !== 0x04034b50) throw refused(`${entry.name} is not where the directory says`);
    const begin = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    free = begin + entry.packedBytes;
    if (free > start) throw refused(`${entry.name} reaches past the end of the archive`);
    if (entry.name.endsWith("/")) continue;
    if (entries.has(entry.name)) throw refused(`${entry.name} is there twice`);
    entries.set(entry.name, { ...entry, start: begin });
  }
  return entries;
}

/** Sizes and place of an entry, from the zip64 field where the directory's own are full. */
function sizesOf(
  header: Buffer,
  nameLength: number,
  extraLength: number,
  refused: Refused,
): { sizeBytes: number; packedBytes: number; header: number } {
  const values = { packedBytes: header.readUInt32LE(20), sizeBytes: header.readUInt32LE(24), header: header.readUInt32LE(42) };
  const full = (["sizeBytes", "packedBytes", "header"] as const).filter((key) => values[key] === 0xffffffff); // the field's order
  if (full.length === 0) return values;
  const extra = header.subarray(46 + nameLength, 46 + nameLength + extraLength);
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    if (id === 1 && length >= 8 * full.length && at + 4 + length <= extra.length) {
      for (const [n, key] of full.entries()) values[key] = wholeNumber(extra.readBigUInt64LE(at + 4 + 8 * n), refused);
      return values;
    }
    at += 4 + length;
  }
  throw refused("an entry's zip64 sizes are missing");
}

async function findDirectory(file: FileHandle, size: number, refused: Refused): Promise<{ start: number; length: number; count: number }> {
  const tailLength = Math.min(size, 22 + 0xffff);
  const tail = await readAt(file, size - tailLength, tailLength, refused);
  for (let at = tailLength - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || tail.readUInt16LE(at + 20) !== tailLength - at - 22) continue;
    const place = { count: tail.readUInt16LE(at + 10), length: tail.readUInt32LE(at + 12), start: tail.readUInt32LE(at + 16) };
    const locator = at - 20;
    if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) return place;
    const end = wholeNumber(tail.readBigUInt64LE(locator + 8), refused);
    const record = await readAt(file, end, 56, refused);
    if (record.readUInt32LE(0) !== 0x06064b50) throw refused("its zip64 directory is not where it says");
    const [count, length, start] = [32, 40, 48].map((offset) => wholeNumber(record.readBigUInt64LE(offset), refused));
    return { count: count!, length: length!, start: start! };
  }
  throw refused("it has no directory, so it is cut off or no zip file");
}

async function readAt(file: FileHandle, position: number, length: number, refused: Refused): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw refused("it is cut off");
    at += bytesRead;
  }
  return bytes;
}

function wholeNumber(value: bigint, refused: Refused): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refused("a size or place beyond any file");
  return Number(value);
}
