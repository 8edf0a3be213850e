import { RefusedError } from "../base/errors.ts";
import type { MediaType } from "./media-types.ts";

/** A part on its way. Its body has to be read to the end, or the next part can't be found; asking for the next part drops what is left. */
export type IncomingPart = { readonly headers: ReadonlyMap<string, string>; readonly body: AsyncIterable<Uint8Array> };

export type MultipartLimits = { readonly parts: number };

const mostHeaderBytes = 8192;
/** Before the first boundary: a line end, or a word to readers without MIME. */
const mostPreambleBytes = 4096;
const mostEpilogueBytes = 64 * 1024;

/** The boundary of a multipart Content-Type; refused where there is none or it is none. RFC 2046 5.1.1 has 70 characters; Orthanc sends 73. */
export function boundaryOf({ parameters }: MediaType): string {
  const boundary = parameters.get("boundary") ?? "";
  if (!/^[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]$/.test(boundary))
    throw new RefusedError("multipart-malformed", "expected a boundary of 1 to 200 characters in the Content-Type");
  return boundary;
}

/**
 * The parts of a multipart message, one after the other; of a body no more is in memory than the pieces that come in. Refused where the message
 * ends before its closing boundary, a part has no header end within 8 KiB, or there are more parts than the limit says.
 */
export async function* readMultipart(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits,
): AsyncGenerator<IncomingPart, void, undefined> {
  const reader = new Scanner(chunks[Symbol.asyncIterator]());
  try {
    const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    reader.unread(Buffer.from("\r\n")); // the first boundary may stand at the very start
    let preamble = 0;
    for await (const piece of reader.until(delimiter)) {
      preamble += piece.length;
      if (preamble > mostPreambleBytes) throw malformed("no boundary in the first 4 KiB of the body: the Content-Type names another one");
    }
    for (let count = 0; !(await endsHere(reader)); count++) {
      if (count === limits.parts) throw new RefusedError("body-too-large", `more than ${limits.parts} parts in one request`);
      const headers = parseHeaders(await headerBlock(reader));
      const body = reader.until(delimiter);
      yield { headers, body };
      for await (const _ of body); // what nobody read
    }
    await reader.skipEpilogue();
  } finally {
    await reader.close();
  }
}

/** What follows a boundary: `--` at the end of the message, else a line end. */
async function endsHere(reader: Scanner): Promise<boolean> {
  const mark = await reader.take(2);
  if (mark.toString("latin1") === "--") return true;
  let rest = mark;
  for (let spaces = 0; spaces < 64 && rest[0] === 0x20; spaces++) rest = Buffer.concat([rest.subarray(1), await reader.take(1)]);
  if (rest.toString("latin1") !== "\r\n") throw malformed("expected a line end behind a boundary");
  return false;
}

async function headerBlock(reader: Scanner): Promise<string> {
  reader.unread(Buffer.from("\r\n")); // a part without any header begins with the empty line
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of reader.until(Buffer.from("\r\n\r\n"))) {
    bytes += piece.length;
    if (bytes > mostHeaderBytes) throw malformed("a part without an end of its header within 8 KiB");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("latin1");
}

function parseHeaders(block: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.split("\r\n")) {
    if (line === "") continue;
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed("a line in a part's header that is no header");
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

/** Looks for delimiters in a stream of pieces. */
class Scanner {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** What stands behind the closing boundary means nothing; a little of it is read, so that the connection can go on. */
  async skipEpilogue(): Promise<void> {
    for (let bytes = 0; bytes < mostEpilogueBytes; ) {
      const { done, value } = await this.#source.next();
      if (done) return;
      bytes += value.length;
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  unread(bytes: Buffer): void {
    this.#rest = Buffer.concat([bytes, this.#rest]);
  }

  async take(bytes: number): Promise<Buffer> {
    while (this.#rest.length < bytes) await this.#more();
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  /** What stands before a delimiter, in pieces; the delimiter is consumed. Ends at once when it was read to its end before. */
  until(delimiter: Buffer): AsyncIterable<Uint8Array> & { [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> } {
    const state = { ended: false };
    return { [Symbol.asyncIterator]: () => this.#until(delimiter, state) };
  }

  async *#until(delimiter: Buffer, state: { ended: boolean }): AsyncGenerator<Uint8Array, void, undefined> {
    while (!state.ended) {
      const found = this.#rest.indexOf(delimiter);
      if (found >= 0) {
        const piece = this.#rest.subarray(0, found);
        this.#rest = this.#rest.subarray(found + delimiter.length);
        state.ended = true;
        if (piece.length > 0) yield piece;
        return;
      }
      // The end of what is here may be the beginning of the delimiter
      const sure = this.#rest.length - delimiter.length + 1;
      if (sure > 0) {
        const piece = this.#rest.subarray(0, sure);
        this.#rest = this.#rest.subarray(sure);
        yield piece;
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done) throw malformed("the body ends before its closing boundary");
    this.#rest =
      this.#rest.length === 0 ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.concat([this.#rest, value]);
  }
}

function malformed(what: string): RefusedError {
  return new RefusedError("multipart-malformed", what);
}
