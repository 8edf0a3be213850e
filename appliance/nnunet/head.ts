/**
 * The last layer of a network, a 1 x 1 x 1 convolution, as one matrix for sums over overlapping patches.
 *
 * A class's logit is W f + b for the features f of one patch; summed over patches with weights w that is W (sum of w f) + b (sum of w). So the
 * matrix has a row per feature and a last one for the sum of weights: [channels + 1][classes]. Quantised features stand for
 * (value - zeroPoint) * scale, which is folded in.
 *
 * @param head weights [class][channel], then bias [class]
 */
export function headMatrix(head: Float32Array, classes: number, channels: number, scale = 1, zeroPoint = 0): Float32Array {
  if (head.length !== classes * (channels + 1))
    throw new Error(`a head of ${classes} x ${channels} has ${classes * (channels + 1)} values`);
  const matrix = new Float32Array((channels + 1) * classes);
  for (let k = 0; k < classes; k++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const weight = head[k * channels + c]!;
      matrix[c * classes + k] = weight * scale;
      sum += weight;
    }
    matrix[channels * classes + k] = head[classes * channels + k]! - zeroPoint * scale * sum;
  }
  return matrix;
}
