import { writev } from "node:fs";

/** Of one call; the kernel takes 1024. */
const mostPieces = 512;

/** Writes pieces at the end of a file, in few calls, all of them. */
export async function writePieces(fd: number, pieces: readonly Uint8Array[]): Promise<void> {
  for (let first = 0; first < pieces.length; first += mostPieces) {
    let left: readonly Uint8Array[] = pieces.slice(first, first + mostPieces).filter(({ length }) => length > 0);
    while (left.length > 0) left = after(left, await writeSome(fd, left));
  }
}

function writeSome(fd: number, pieces: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => writev(fd, pieces, (error, written) => (error ? reject(error) : resolve(written))));
}

/** What is left of pieces of which the first bytes are written: the kernel may take less than it was given. */
function after(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}
