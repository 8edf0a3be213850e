import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import { SlabSum } from "../../../appliance/nnunet/slab-sum.ts";
import { tilePositions } from "../../../appliance/nnunet/tiles.ts";

/** Labels from the whole [class][z][y][x] array at once, in the same 32-bit sums. */
function wholeArray(
  classes: number,
  shape: Zyx,
  tile: Zyx,
  weights: Float32Array,
  tiles: readonly { at: Zyx; logits: Float32Array }[],
): Uint8Array {
  const size = shape[0] * shape[1] * shape[2];
  const tileSize = tile[0] * tile[1] * tile[2];
  const sum = new Float32Array(classes * size);
  for (const { at, logits } of tiles)
    for (let c = 0; c < classes; c++)
      for (let n = 0; n < tileSize; n++) {
        const [z, y, x] = [Math.floor(n / (tile[1] * tile[2])), Math.floor(n / tile[2]) % tile[1], n % tile[2]];
        sum[c * size + ((at[0] + z) * shape[1] + at[1] + y) * shape[2] + at[2] + x]! += logits[c * tileSize + n]! * weights[n]!;
      }
  return Uint8Array.from({ length: size }, (_, voxel) => {
    let label = 0;
    for (let c = 1; c < classes; c++) if (sum[c * size + voxel]! > sum[label * size + voxel]!) label = c;
    return label;
  });
}

function bySlabs(
  classes: number,
  shape: Zyx,
  tile: Zyx,
  weights: Float32Array,
  tiles: readonly { at: Zyx; logits: Float32Array }[],
): Uint8Array {
  const labels = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const order: number[] = [];
  const slab = new SlabSum(classes, shape, tile, weights, (z, slice) => {
    order.push(z);
    labels.set(slice, z * shape[1] * shape[2]);
  });
  for (const { at, logits } of tiles) slab.add(logits, at);
  slab.end();
  assert.deepEqual(
    order,
    Array.from({ length: shape[0] }, (_, z) => z),
  );
  return labels;
}

test("finishing slices as soon as no later tile touches them gives the labels of the whole array", () => {
  const axis = fc.integer({ min: 1, max: 4 }).chain((tile) => fc.tuple(fc.constant(tile), fc.integer({ min: tile, max: 10 })));
  fc.assert(
    fc.property(fc.tuple(axis, axis, axis), fc.constantFrom(0.3, 0.5, 1), fc.integer({ min: 1, max: 1e6 }), (axes, step, seed) => {
      const tile = axes.map(([length]) => length) as unknown as Zyx;
      const shape = axes.map(([, length]) => length) as unknown as Zyx;
      let state = seed;
      const next = (): number => {
        state = (state * 48271) % 2147483647;
        return state / 2147483647 - 0.5;
      };
      const tileSize = tile[0] * tile[1] * tile[2];
      const weights = Float32Array.from({ length: tileSize }, () => next() + 0.6);
      const tiles = tilePositions(shape, tile, step).map((at) => ({ at, logits: Float32Array.from({ length: 3 * tileSize }, next) }));
      assert.deepEqual(bySlabs(3, shape, tile, weights, tiles), wholeArray(3, shape, tile, weights, tiles));
    }),
    { numRuns: 60 },
  );
});

test("among equal sums the lowest label wins", () => {
  const labels = bySlabs(3, [1, 1, 2], [1, 1, 2], Float32Array.of(1, 1), [{ at: [0, 0, 0], logits: Float32Array.of(1, 0, 1, 2, 0, 2) }]);
  assert.deepEqual([...labels], [0, 1]);
});

test("a value that is not a number is refused, not outvoted", () => {
  const slab = new SlabSum(2, [1, 1, 2], [1, 1, 2], Float32Array.of(1, 1), () => {});
  assert.throws(() => slab.add(Float32Array.of(1, 1, 0, Number.NaN), [0, 0, 0]), { code: "network-output-not-finite" });
});

test("logits of another size, slices left out and tiles out of order are faults", () => {
  const slab = new SlabSum(2, [4, 1, 2], [2, 1, 2], new Float32Array(4).fill(1), () => {});
  assert.throws(() => slab.add(new Float32Array(9), [0, 0, 0]), /found 9 values/);
  slab.add(new Float32Array(8), [0, 0, 0]);
  assert.throws(() => slab.end(), /slices 2 to 3 lie under no tile/);
  slab.add(new Float32Array(8), [2, 0, 0]);
  assert.throws(() => slab.add(new Float32Array(8), [0, 0, 0]), /after slice 1 was finished/);
});
