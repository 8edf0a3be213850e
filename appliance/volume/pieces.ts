import type { Ijk } from "./grid.ts";

/** The connected pieces of a label map, numbered in the order of their first voxels in memory. */
export type Pieces = {
  readonly count: number;
  /** Label of a piece. */
  value(piece: number): number;
  /** Voxels of a piece. */
  size(piece: number): number;
  /** Sets the pieces that are chosen to 0 in the label map. */
  erase(chosen: (piece: number) => boolean): void;
};

/**
 * Finds the pieces of a label map that are connected through voxels' faces, of all labels at once.
 *
 * Works on runs of equal voxels along i (a union-find forest over them), so memory goes with the surface of what is drawn, not with the
 * volume.
 */
export function connectedPieces(labels: Uint8Array, [ni, nj, nk]: Ijk): Pieces {
  const rows = nj * nk;
  const { rowStarts, starts, ends } = runsOf(labels, ni, rows);
  const count = rowStarts[rows]!;
  const parents = Int32Array.from({ length: count }, (_, run) => run);
  const root = (run: number): number => {
    let at = run;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  };
  for (let row = 0; row < rows; row++) {
    if (row % nj > 0) join(row, row - 1);
    if (row >= nj) join(row, row - nj);
  }
  /** Joins the runs of two rows that touch; the earlier run becomes the root. */
  function join(row: number, other: number): void {
    const shift = (row - other) * ni;
    let b = rowStarts[other]!;
    const bEnd = rowStarts[other + 1]!;
    for (let a = rowStarts[row]!; a < rowStarts[row + 1]!; a++) {
      const [from, to] = [starts[a]! - shift, ends[a]! - shift];
      while (b < bEnd && ends[b]! <= from) b++;
      for (let c = b; c < bEnd && starts[c]! < to; c++) {
        if (labels[starts[c]!] !== labels[starts[a]!]) continue;
        const [first, second] = [root(a), root(c)];
        if (first < second) parents[second] = first;
        else parents[first] = second;
      }
    }
  }

  const pieceOf = new Int32Array(count);
  const sizes: number[] = [];
  const values: number[] = [];
  for (let run = 0; run < count; run++) {
    const first = root(run);
    if (first === run) {
      pieceOf[run] = sizes.length;
      sizes.push(0);
      values.push(labels[starts[run]!]!);
    } else pieceOf[run] = pieceOf[first]!;
    sizes[pieceOf[run]!]! += ends[run]! - starts[run]!;
  }
  return {
    count: sizes.length,
    value: (piece) => values[piece]!,
    size: (piece) => sizes[piece]!,
    erase(chosen) {
      const gone = sizes.map((_, piece) => chosen(piece));
      for (let run = 0; run < count; run++) if (gone[pieceOf[run]!]) labels.fill(0, starts[run]!, ends[run]!);
    },
  };
}

/** Runs of one label along i, 0 left out: places of their first voxel and of the one after their last, and the first run of each row. */
function runsOf(labels: Uint8Array, ni: number, rows: number): { rowStarts: Int32Array; starts: Int32Array; ends: Int32Array } {
  const rowStarts = new Int32Array(rows + 1);
  const scan = (onRun: (from: number, to: number) => void): void => {
    for (let row = 0; row < rows; row++) {
      const end = (row + 1) * ni;
      for (let at = row * ni; at < end; ) {
        const value = labels[at]!;
        const from = at++;
        while (at < end && labels[at] === value) at++;
        if (value !== 0) onRun(from, at);
      }
      rowStarts[row + 1] = found;
    }
  };
  let found = 0;
  scan(() => found++);
  const starts = new Int32Array(found);
  const ends = new Int32Array(found);
  found = 0;
  scan((from, to) => {
    starts[found] = from;
    ends[found++] = to;
  });
  return { rowStarts, starts, ends };
}
