import assert from "node:assert/strict";
import { test } from "node:test";
import { startThreads } from "../../../appliance/inference/compute-threads.ts";
import { headClassify } from "../../../appliance/inference/head-classify.ts";
import { inThisThread } from "../../../appliance/nnunet/compute.ts";
import { headMatrix } from "../../../appliance/nnunet/head.ts";
import type { MergeJob } from "../../../appliance/nnunet/merge.ts";
import { viewOf } from "../../../appliance/volume/orient.ts";

const shared16 = (length: number) => new Int16Array(new SharedArrayBuffer(2 * length));
const shared8 = (length: number) => new Uint8Array(new SharedArrayBuffer(length));
/** Numbers from 0 to 1 that look random, the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state / 2147483647;
  }
}

test("threads resample as this thread does, in every voxel, also a volume of fewer slices than threads", async () => {
  await using threads = startThreads(3);
  for (const dims of [[31, 20, 17] as const, [9, 8, 2] as const]) {
    const hu = shared16(dims[0] * dims[1] * dims[2]);
    for (let at = 0; at < hu.length; at++) hu[at] = ((at * 7919) % 1200) - 400;
    for (const to of [[16, 11, 9] as const, [40, 33, 2] as const])
      for (const order of [1, 3] as const)
        assert.deepEqual(await threads.zoomCt(viewOf(dims, hu), to, order), await inThisThread.zoomCt(viewOf(dims, hu), to, order));
    const labels = shared8(hu.length).map((_, at) => (at * 31) % 7);
    const [here, there] = [new Uint8Array(50 * 30 * 20), shared8(50 * 30 * 20)];
    const source = shared8(labels.length);
    source.set(labels);
    await threads.zoomNearest(viewOf(dims, source), viewOf([50, 30, 20], there));
    await inThisThread.zoomNearest(viewOf(dims, source), viewOf([50, 30, 20], here));
    assert.deepEqual(Uint8Array.from(there), here);
  }
});

/** A padded box of 6 x 5 x 7 that holds two overlapping tiles, drawn into a label map that it lies inside of. */
function job(change: Partial<MergeJob>): MergeJob {
  return {
    output: { channels: 4, layout: "ncdhw" },
    classes: 4,
    head: null,
    shape: [6, 5, 7],
    tile: [4, 5, 7],
    before: [1, 0, 1],
    labels: shared8(8 * 6 * 6),
    dims: [8, 6, 6],
    box: { start: [1, 1, 0], dims: [5, 5, 4] },
    values: Uint8Array.of(0, 5, 0, 9),
    ...change,
  };
}

test("a merging thread draws what this thread draws; classes without a value leave what is there", async () => {
  await using threads = startThreads(1);
  const next = numbers(7);
  const tiles = [0, 2].map((z) => ({ start: [z, 0, 0] as const, logits: Float32Array.from({ length: 4 * 140 }, () => next.next().value) }));
  const drawn = async (compute: typeof inThisThread) => {
    const here = job({});
    here.labels.fill(7);
    const merge = await compute.merge(here);
    for (const { start, logits } of tiles) await merge.add(logits, start, []);
    await merge.end();
    await merge.close();
    return Uint8Array.from(here.labels);
  };
  const there = await drawn(threads);
  assert.deepEqual(there, await drawn(inThisThread));
  assert.deepEqual(new Set(there), new Set([5, 7, 9]));
  assert.equal(there[0], 7, "outside the box nothing is drawn");
});

test("a fault in a merging thread keeps its code and message", async () => {
  await using threads = startThreads(1);
  const merge = await threads.merge(job({}));
  await assert.rejects(merge.add(new Float32Array(4 * 140).fill(Number.NaN), [0, 0, 0], []), { code: "network-output-not-finite" });
  await assert.rejects(merge.add(new Float32Array(3), [0, 0, 0], []), /found 3 values/);
  await merge.close();
});

/** What a head would have said of every patch before it was merged: the class with the highest sum of weight times logit. */
function bruteForce(features: readonly (readonly number[])[], weights: readonly number[], head: Float32Array, classes: number): number {
  const channels = features[0]!.length;
  const sums = Array.from({ length: classes }, (_, k) =>
    features.reduce((sum, of, patch) => {
      const logit = of.reduce((total, value, c) => total + value * head[k * channels + c]!, head[classes * channels + k]!);
      return sum + weights[patch]! * logit;
    }, 0),
  );
  return sums.indexOf(Math.max(...sums));
}

for (const layout of ["ncdhw", "ndhwc"] as const)
  test(`classes from merged features equal merged classes, features ${layout} and quantised`, async () => {
    const [classes, channels, voxels, patches] = [11, 6, 500, 3];
    const next = numbers(layout.length + 3);
    const head = Float32Array.from({ length: classes * (channels + 1) }, () => next.next().value - 0.5);
    const [scale, zeroPoint] = [0.037, 19];
    const quantised = Array.from({ length: patches }, () =>
      Array.from({ length: voxels }, () => Array.from({ length: channels }, () => Math.floor(next.next().value * 256))),
    );
    const weights = Array.from({ length: patches }, () => Array.from({ length: voxels }, () => next.next().value));
    const kept = channels + 1;
    const sums = new Float32Array(voxels * kept);
    const place = (voxel: number, c: number) => (layout === "ndhwc" ? voxel * kept + c : c * voxels + voxel);
    for (let patch = 0; patch < patches; patch++)
      for (let voxel = 0; voxel < voxels; voxel++) {
        const weight = weights[patch]![voxel]!;
        for (let c = 0; c < channels; c++) sums[place(voxel, c)]! += weight * quantised[patch]![voxel]![c]!;
        sums[place(voxel, channels)]! += weight;
      }
    const classify = await headClassify(headMatrix(head, classes, channels, scale, zeroPoint), { channels, layout });
    const found = new Uint8Array(voxels);
    await classify(sums, found);
    const expected = Uint8Array.from({ length: voxels }, (_, voxel) =>
      bruteForce(
        quantised.map((patch) => patch[voxel]!.map((value) => (value - zeroPoint) * scale)),
        weights.map((patch) => patch[voxel]!),
        head,
        classes,
      ),
    );
    assert.deepEqual(found, expected);
    assert.ok(new Set(found).size > 3, "several classes occur");
  });
