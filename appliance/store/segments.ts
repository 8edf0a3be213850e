import { write } from "node:fs";

/**
 * Half of a CT image of 512 x 512 x 16 bit and some of its header: such an image is two writes, and the first goes on while the second half
 * arrives.
 */
export const segmentBytes = 288 * 1024;

/** More are given back to V8: 2.3 MB are kept. */
const mostFree = 8;

/** Memory in which pieces from the network gather until they are worth a write; used again and again, since new memory has to be cleared first. */
export class Segments {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(segmentBytes);
  }

  /** Nobody reads or writes it any more. */
  giveBack(segment: Buffer): void {
    if (this.#free.length < mostFree) this.#free.push(segment);
  }
}

/** Writes bytes at the end of a file, all of them: the kernel may take less than it is given. */
export async function append(fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += await appendSome(fd, bytes, at);
}

function appendSome(fd: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, from, bytes.length - from, null, (error, written) => (error ? reject(error) : resolve(written))),
  );
}
