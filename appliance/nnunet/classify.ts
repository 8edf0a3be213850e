/**
 * Turns the sums of one finished slice into a class per voxel: the one with the highest logit, the lowest number among equals. Sums lie as
 * {@link SlabSum} keeps them.
 */
export type Classify = (sums: Float32Array, labels: Uint8Array) => void | Promise<void>;

/** Of summed logits [class][voxel]. */
export function argmaxOfPlanes(classes: number): Classify {
  let best = new Float32Array(0);
  return (sums, labels) => {
    const size = labels.length;
    if (best.length !== size) best = new Float32Array(size);
    best.set(sums.subarray(0, size));
    labels.fill(0);
    for (let c = 1, from = size; c < classes; c++, from += size) {
      for (let at = 0; at < size; at++) {
        const value = sums[from + at]!;
        if (value > best[at]!) {
          best[at] = value;
          labels[at] = c;
        }
      }
    }
  };
}

/** Of summed logits [voxel][class]. */
export function argmaxOfRows(classes: number): Classify {
  return (sums, labels) => {
    for (let at = 0, from = 0; at < labels.length; at++, from += classes) {
      let best = 0;
      for (let c = 1; c < classes; c++) if (sums[from + c]! > sums[from + best]!) best = c;
      labels[at] = best;
    }
  };
}
