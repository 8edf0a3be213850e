import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { argmaxOfPlanes } from "../../../appliance/nnunet/classify.ts";
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

async function bySlabs(
  classes: number,
  shape: Zyx,
  tile: Zyx,
  weights: Float32Array,
  tiles: readonly { at: Zyx; logits: Float32Array }[],
): Promise<Uint8Array> {
  const labels = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const order: number[] = [];
  const slice = shape[1] * shape[2];
  const argmax = argmaxOfPlanes(classes);
  const output = { channels: classes, layout: "ncdhw" } as const;
  const slab = new SlabSum({ output, sumWeights: false, shape, tile, weights }, (z, sums) => {
    order.push(z);
    return argmax(sums, labels.subarray(z * slice, (z + 1) * slice));
  });
  for (const { at, logits } of tiles) await slab.add(logits, at);
  await slab.end();
  assert.deepEqual(
    order,
    Array.from({ length: shape[0] }, (_, z) => z),
  );
  return labels;
}

/** A random tile's values, the same for the same seed. */
function randomly(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
}

const axis = fc.integer({ min: 1, max: 4 }).chain((tile) => fc.tuple(fc.constant(tile), fc.integer({ min: tile, max: 10 })));
const problems = fc
  .tuple(fc.tuple(axis, axis, axis), fc.constantFrom(0.3, 0.5, 1), fc.integer({ min: 1, max: 1e6 }))
  .map(([axes, step, seed]) => {
    const tile = axes.map(([length]) => length) as unknown as Zyx;
    const shape = axes.map(([, length]) => length) as unknown as Zyx;
    return { tile, shape, step, next: randomly(seed), tileSize: tile[0] * tile[1] * tile[2] };
  });

test("finishing slices as soon as no later tile touches them gives the labels of the whole array", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async ({ tile, shape, step, next, tileSize }) => {
      const weights = Float32Array.from({ length: tileSize }, () => next() + 0.6);
      const tiles = tilePositions(shape, tile, step).map((at) => ({ at, logits: Float32Array.from({ length: 3 * tileSize }, next) }));
      assert.deepEqual(await bySlabs(3, shape, tile, weights, tiles), wholeArray(3, shape, tile, weights, tiles));
    }),
    { numRuns: 60 },
  );
});

test("channels innermost are summed as channels outermost, mirrored or not, with the sum of weights behind them", async () => {
  await fc.assert(
    fc.asyncProperty(problems, fc.subarray([0, 1, 2]), async ({ tile, shape, step, next, tileSize }, mirror) => {
      const weights = Float32Array.from({ length: tileSize }, () => next() + 0.6);
      const [voxels, channels] = [shape[1] * shape[2], 3];
      const sumsOf = async (layout: "ncdhw" | "ndhwc", values: (tileNumber: number) => Uint8Array) => {
        const slices: Float32Array[] = [];
        const slab = new SlabSum({ output: { channels, layout }, sumWeights: true, shape, tile, weights }, (_, sums) => {
          slices.push(sums.slice());
        });
        for (const [number, at] of tilePositions(shape, tile, step).entries()) await slab.add(values(number), at, mirror);
        await slab.end();
        return slices;
      };
      const seed = Math.ceil(next() * 1000) + 1000;
      const planes = (number: number) => Uint8Array.from({ length: channels * tileSize }, (_, at) => (at * 31 + number * 7 + seed) % 251);
      const rows = (number: number) =>
        Uint8Array.from(
          { length: channels * tileSize },
          (_, at) => planes(number)[(at % channels) * tileSize + Math.floor(at / channels)]!,
        );
      const [outermost, innermost] = [await sumsOf("ncdhw", planes), await sumsOf("ndhwc", rows)];
      for (const [z, slice] of outermost.entries())
        for (let c = 0; c <= channels; c++)
          for (let at = 0; at < voxels; at++) assert.equal(innermost[z]![at * (channels + 1) + c], slice[c * voxels + at]);
    }),
    { numRuns: 40 },
  );
});

test("among equal sums the lowest label wins", async () => {
  const tiles = [{ at: [0, 0, 0] as const, logits: Float32Array.of(1, 0, 1, 2, 0, 2) }];
  assert.deepEqual([...(await bySlabs(3, [1, 1, 2], [1, 1, 2], Float32Array.of(1, 1), tiles))], [0, 1]);
});

const output = { channels: 2, layout: "ncdhw" } as const;

test("a value that is not a number is refused, not outvoted", async () => {
  const slab = new SlabSum({ output, sumWeights: false, shape: [1, 1, 2], tile: [1, 1, 2], weights: Float32Array.of(1, 1) }, () => {});
  await assert.rejects(slab.add(Float32Array.of(1, 1, 0, Number.NaN), [0, 0, 0]), { code: "network-output-not-finite" });
});

test("logits of another size, slices left out and tiles out of order are faults; a tile that is passed over covers its slices", async () => {
  const weights = new Float32Array(4).fill(1);
  const slices: number[][] = [];
  const slab = new SlabSum({ output, sumWeights: false, shape: [6, 1, 2], tile: [2, 1, 2], weights }, (_, sums) => {
    slices.push([...sums]);
  });
  await assert.rejects(slab.add(new Float32Array(9), [0, 0, 0]), /found 9 values/);
  await slab.add(new Float32Array(8).fill(3), [0, 0, 0]);
  await assert.rejects(slab.end(), /slices 2 to 5 lie under no tile/);
  await slab.add(null, [2, 0, 0]);
  await slab.add(new Float32Array(8), [4, 0, 0]);
  await assert.rejects(slab.add(new Float32Array(8), [0, 0, 0]), /after slice 3 was finished/);
  assert.deepEqual(slices, [
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ]);
});
