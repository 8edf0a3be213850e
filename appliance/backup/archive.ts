import { RefusedError } from "../base/errors.ts";

/** One file: where it lies below the data folder, and its content, which is read to its end before the next file is asked for. */
export type ArchivedFile = { readonly path: string; readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> };

/** Longest head of a file. */
const headLimitBytes = 64 * 1024;

/** Files one behind the other: each with a head (length in 32 bits, JSON) before its bytes; a head of length 0 ends them. */
export async function* packFiles(files: AsyncIterable<ArchivedFile>): AsyncGenerator<Uint8Array, void> {
  for await (const { path, sizeBytes, content } of files) {
    const head = Buffer.from(JSON.stringify({ path, sizeBytes }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    yield Buffer.concat([length, head]);
    let written = 0;
    for await (const piece of content) {
      written += piece.length;
      yield piece;
    }
    if (written !== sizeBytes) throw new Error(`${path} changed while it was backed up: expected ${sizeBytes} bytes, found ${written}`);
  }
  yield Buffer.alloc(4);
}

/** What {@link packFiles} packed. Refused where it is something else, or a path leads out of the folder. */
export async function* unpackFiles(packed: AsyncIterable<Uint8Array>): AsyncGenerator<ArchivedFile, void> {
  const reader = new Reader(packed);
  for (;;) {
    const length = (await reader.take(4)).readUInt32BE();
    if (length === 0) break;
    if (length > headLimitBytes) throw notOurs(`a head of ${length} bytes`);
    const { path, sizeBytes } = readHead(await reader.take(length));
    yield { path, sizeBytes, content: reader.pass(sizeBytes) };
    if (reader.passing > 0) throw new Error(`the content of ${path} was not read to its end`);
  }
  if (!(await reader.isAtEnd())) throw notOurs("bytes behind the end");
}

function readHead(bytes: Buffer): { path: string; sizeBytes: number } {
  let head: { path?: unknown; sizeBytes?: unknown };
  try {
    head = JSON.parse(bytes.toString("utf8")) as typeof head;
  } catch {
    throw notOurs("a head that is not JSON");
  }
  const { path, sizeBytes } = head;
  const isInside =
    typeof path === "string" && /^[^/\\\0][^\\\0]*$/.test(path) && path.split("/").every((name) => !["", ".", ".."].includes(name));
  if (!isInside) throw notOurs("a path that leads out of the folder");
  if (typeof sizeBytes !== "number" || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw notOurs("a file without a size");
  return { path, sizeBytes };
}

function notOurs(what: string): RefusedError {
  return new RefusedError("backup-damaged", `the backup holds ${what}, which no release writes; take another backup`);
}

class Reader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of the file being read that are still to come. */
  passing = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for (let missing = count; missing > 0; ) {
      const piece = await this.#next(missing);
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async *pass(count: number): AsyncGenerator<Uint8Array, void> {
    this.passing = count;
    while (this.passing > 0) {
      const piece = await this.#next(this.passing);
      this.passing -= piece.length;
      yield piece;
    }
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) return true;
      this.#rest = next.value;
    }
    return false;
  }

  async #next(most: number): Promise<Uint8Array> {
    if (await this.isAtEnd()) throw notOurs("less than it announces");
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
