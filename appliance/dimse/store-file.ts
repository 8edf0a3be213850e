import { type FileHandle, open } from "node:fs/promises";
import { RefusedError } from "../base/errors.ts";
import { rewriteImplicit } from "../dicom/to-implicit.ts";
import type { Association } from "./association.ts";
import { dataHeaderLength, encodeData, valueRoom, writeDataHeader } from "./pdu.ts";

/** Data set bytes read and sent at once: enough that one CT image is one read and one write. */
const batchBytes = 1024 * 1024;

/** Sends the bytes of Part 10 files as they are, PDU headers written between them in place: no byte is copied on the way. */
export class FileSender {
  readonly #association: Association;
  readonly #room: number;
  readonly #valuesPerBatch: number;
  /** Two, so that one is filled from the disk while the other goes to the network. */
  readonly #batches: [Buffer, Buffer];

  constructor(association: Association) {
    this.#association = association;
    this.#room = valueRoom(association.peerMaxPduLength);
    this.#valuesPerBatch = Math.max(1, Math.floor(batchBytes / this.#room));
    const length = this.#valuesPerBatch * (this.#room + dataHeaderLength);
    this.#batches = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)];
  }

  /**
   * Sends `file` from `offset` to its end as the data set of the command in `commandPdus`. Refused when the file can't be read to the end
   * that it had at the start. Only a deflated data set may be odd; it goes out with the null byte that PS3.5 annex A.5 has for that, since
   * peers drop odd fragments (PS3.8 annex F).
   *
   * @param start goes before the bytes of the file
   */
  async send(file: FileHandle, offset: number, contextId: number, commandPdus: Uint8Array, start?: Uint8Array): Promise<void> {
    const { size } = await file.stat();
    if (start) {
      const startPdus = encodeData(contextId, false, start, this.#association.peerMaxPduLength, offset >= size);
      await this.#association.send([commandPdus, startPdus]);
    }
    let sending: Promise<void> = Promise.resolve();
    for (let at = offset, turn = 0; at < size; turn = 1 - turn) {
      const length = Math.min(size - at, this.#valuesPerBatch * this.#room);
      const batch = await this.#fill(this.#batches[turn]!, file, { at, length, contextId, isLast: at + length === size });
      await sending;
      sending = this.#association.send(at === offset && !start ? [commandPdus, batch] : [batch]);
      sending.catch(() => {
        // rejects again below, or at the next turn
      });
      at += length;
    }
    await sending;
  }

  async #fill(
    into: Buffer,
    file: FileHandle,
    { at, length, contextId, isLast }: { at: number; length: number; contextId: number; isLast: boolean },
  ): Promise<Buffer> {
    const values: Buffer[] = [];
    let end = 0;
    for (let done = 0; done < length; ) {
      const take = Math.min(this.#room, length - done); // odd only at the very end, where there is room for one more: room is even
      done += take;
      writeDataHeader(into, end, { contextId, isCommand: false, isLast: isLast && done === length, length: take + (take % 2) });
      end += dataHeaderLength;
      values.push(into.subarray(end, end + take));
      end += take;
      if (take % 2 === 1) into[end++] = 0;
    }
    await readFully(file, values, at);
    return into.subarray(0, end);
  }
}

/** Fills all buffers with the bytes from `at` on. The system may give fewer bytes than asked for, so until they are full. */
async function readFully(file: FileHandle, buffers: readonly Buffer[], at: number): Promise<void> {
  let rest = buffers;
  while (rest.length > 0) {
    const { bytesRead } = await file.readv(rest, at);
    if (bytesRead === 0) throw new RefusedError("file-unreadable", `the file ends ${at} bytes after its start, expected more`);
    at += bytesRead;
    rest = without(rest, bytesRead);
  }
}

/** What is left of the buffers after their first `bytes`. */
function without(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const left: Buffer[] = [];
  for (const buffer of buffers) {
    if (bytes < buffer.length) left.push(buffer.subarray(bytes));
    bytes = Math.max(0, bytes - buffer.length);
  }
  return left;
}

/** Opens a file for sending; refused when it is not there or ends before its data set. */
export async function openForSending(path: string, dataSetOffset: number): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    throw new RefusedError("file-unreadable", `can't open the file to send (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  const { size } = await file.stat();
  if (dataSetOffset < size) return file;
  await file.close();
  throw new RefusedError("file-unreadable", `the file has ${size} bytes, its data set should begin at ${dataSetOffset}`);
}

/** So much of a file is read at first to rewrite its head; four times as much where that does not reach the pixels. */
const firstHeadBytes = 4 * 1024 * 1024;

/** The head of a file in Implicit VR, and where the rest follows as it is; refused when the file can't be read so far. */
export async function readImplicitHead(file: FileHandle): Promise<{ readonly start: Uint8Array; readonly restAt: number }> {
  const { size } = await file.stat();
  for (let length = Math.min(size, firstHeadBytes); ; length = Math.min(size, 4 * length)) {
    const head = Buffer.allocUnsafe(length);
    await readFully(file, [head], 0);
    try {
      const rewritten = rewriteImplicit(head, length === size);
      if (rewritten) return { start: rewritten.start, restAt: rewritten.restAt ?? size };
    } catch (error) {
      if (length === size || !(error instanceof RefusedError) || error.code !== "dicom-truncated") throw error;
    }
  }
}
