import assert from "node:assert/strict";
import { test } from "node:test";
import { type Compute, inThisThread } from "../../../appliance/nnunet/compute.ts";
import type { Infer } from "../../../appliance/nnunet/infer.ts";
import { type Plans, parsePlans } from "../../../appliance/nnunet/plans.ts";
import { type Part, type PredictOptions, predict } from "../../../appliance/nnunet/predict.ts";
import { preprocess } from "../../../appliance/nnunet/preprocess.ts";
import { type Ijk, type Lps, voxelCount } from "../../../appliance/volume/grid.ts";
import type { CtVolume } from "../../../appliance/volume/volume.ts";
import { newPlans, smallDataset } from "../../reference/plans.ts";
import { gridFromRas, int16Of, readReference, uint8Of } from "../../reference/read.ts";

type Reference = {
  ct: { low: number; high: number; mean: number; std: number };
  gain: number[];
  bias: number[];
  cases: {
    name: string;
    matrix: number[][];
    dims: Ijk;
    hu: string;
    patch: number[];
    spacing: number[];
    transpose: number[];
    step: number;
    preparedShape: number[];
    box: [number, number][];
    labels: string;
  }[];
};
const reference = readReference<Reference>("predict");
const { ct } = reference;

function plansOf({ patch, spacing, transpose }: { patch: number[]; spacing: number[]; transpose: number[] }) {
  const backward = transpose.map((_, axis) => transpose.indexOf(axis));
  const plans = { ...newPlans({ patch_size: patch, spacing }), transpose_forward: transpose, transpose_backward: backward };
  // The reference network is a formula and has no strides.
  plans.configurations["3d_fullres"].architecture.arch_kwargs.strides = Array.from({ length: 3 }, () => [1, 1, 1]);
  return parsePlans(plans, smallDataset(), "3d_fullres");
}

/** A network that is a formula, as a part whose classes are the label map's values. */
function partOf(plans: Plans, infer: Infer, values = Uint8Array.from({ length: plans.classes }, (_, value) => value)): Part {
  const output = { channels: plans.classes, layout: "ncdhw" } as const;
  return { plans, values, open: async () => ({ infer, output, head: null, patchSize: null, close: async () => {} }) };
}

async function predictOne(volume: CtVolume, plans: Plans, infer: Infer, options: PredictOptions) {
  return (await predict(volume, [partOf(plans, infer)], options)).labelMap;
}

/** The formula of predict.py. */
const formula: Infer = async (patch, [depth, height, width]) => {
  const logits = new Float32Array(reference.gain.length * patch.length);
  for (const [c, gain] of reference.gain.entries())
    for (let at = 0; at < patch.length; at++) {
      const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
      logits[c * patch.length + at] = gain * patch[at]! + reference.bias[c]! + 0.4 * ((7 * z + 3 * y + 5 * x + 2 * c) % 11);
    }
  assert.equal(patch.length, depth * height * width);
  return logits;
};

for (const sample of reference.cases)
  test(`the whole way equals TotalSegmentator's and nnU-Net's steps in scipy and numpy: ${sample.name}`, async () => {
    const plans = plansOf(sample);
    assert.deepEqual(plans.ct, { ...ct });
    const grid = gridFromRas(sample.dims, sample.matrix);
    const volume: CtVolume = { grid, hu: int16Of(sample.hu) };

    const prepared = await preprocess(volume, plans, inThisThread);
    assert.deepEqual(prepared.dims.toReversed(), sample.preparedShape);
    const { start, dims } = prepared.box;
    assert.deepEqual(start.map((first, axis) => [first, first + dims[axis]!]).toReversed(), sample.box);

    const found = await predictOne(volume, plans, formula, { stepSize: sample.step });
    assert.equal(found.grid, grid);
    const expected = uint8Of(sample.labels);
    let equal = 0;
    for (let at = 0; at < expected.length; at++) if (found.labels[at] === expected[at]) equal++;
    // 1 HU of rounding in a resampled voxel may tip a close decision.
    assert.ok(equal / expected.length >= 0.9999, `${equal} of ${expected.length} voxels agree`);
  });

test("a class that only helped in training draws nothing, as where upstream takes it out of the finished map before anything else", async () => {
  for (const sample of reference.cases) {
    const volume: CtVolume = { grid: gridFromRas(sample.dims, sample.matrix), hu: int16Of(sample.hu) };
    const all = await predictOne(volume, plansOf(sample), formula, { stepSize: sample.step });
    // remove_auxiliary_labels: data[data == 3] = 0
    const expected = all.labels.map((value) => (value === 3 ? 0 : value));
    assert.notDeepEqual(all.labels, expected);
    const part = partOf(plansOf(sample), formula, Uint8Array.of(0, 1, 2, 0));
    assert.deepEqual((await predict(volume, [part], { stepSize: sample.step })).labelMap.labels, expected, sample.name);
  }
});

/** Label 1 where the normalised value says more than 100 HU. */
const over100: Infer = async (patch) => {
  const logits = new Float32Array(4 * patch.length).fill(-9);
  for (let at = 0; at < patch.length; at++) {
    logits[at] = 0;
    logits[patch.length + at] = patch[at]! * ct.std + ct.mean - 100;
  }
  return logits;
};

test("a threshold network on a CT at the network's own spacing gives the thresholded CT back, voxel by voxel", async () => {
  const dims: Ijk = [20, 17, 23];
  const hu = Int16Array.from({ length: 20 * 17 * 23 }, (_, at) => ((at * 7919) % 1200) - 400);
  const steps: [Lps, Lps, Lps] = [
    [1.5, 0, 0],
    [0, 1.5, 0],
    [0, 0, 1.5],
  ];
  const volume: CtVolume = { grid: { dims, origin: [3, 4, 5], steps }, hu };
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1.5, 1.5, 1.5], transpose: [0, 1, 2] });
  const { labels } = await predictOne(volume, plans, over100, { stepSize: 0.5 });
  assert.deepEqual(
    labels,
    Uint8Array.from(hu, (value) => Number(value > 100)),
  );
});

test("a block of 200 HU is found where it lies in the patient, however the grid is turned, to half a network voxel", async () => {
  const plans = plansOf({ patch: [16, 16, 16], spacing: [2, 2, 2], transpose: [0, 1, 2] });
  for (const matrix of [
    [
      [-0.8, 0, 0],
      [0, -0.8, 0],
      [0, 0, 3],
    ],
    [
      [0, 0, 2.5],
      [0.9, 0, 0],
      [0, -0.9, 0],
    ],
  ]) {
    const dims: Ijk = [40, 40, 16];
    const grid = gridFromRas(dims, matrix);
    const hu = new Int16Array(voxelCount(grid)).fill(-50);
    const inside = new Uint8Array(hu.length);
    for (let k = 4; k < 12; k++) for (let j = 10; j < 30; j++) for (let i = 6; i < 20; i++) inside[i + 40 * (j + 40 * k)] = 1;
    for (let at = 0; at < hu.length; at++) if (inside[at]) hu[at] = 250;
    const { labels } = await predictOne({ grid, hu }, plans, over100, { stepSize: 0.8 });
    let [both, either] = [0, 0];
    for (let at = 0; at < hu.length; at++) {
      both += labels[at]! & inside[at]!;
      either += labels[at]! | inside[at]!;
    }
    assert.ok(both / either > 0.8, `overlap ${both / either}`);
    // Deep inside and far outside nothing is in doubt.
    for (let k = 6; k < 10; k++) for (let j = 14; j < 26; j++) for (let i = 10; i < 16; i++) assert.equal(labels[i + 40 * (j + 40 * k)], 1);
    for (let at = 0; at < 40 * 40; at++) assert.equal(labels[at], 0);
  }
});

test("left stays left: each of the 48 ways to store a CT gives every place in the patient the same label", async () => {
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1.5, 1.5, 1.5], transpose: [0, 1, 2] });
  const ras = [10, 9, 8] as const;
  const spacing = [1.2, 1.35, 1.6];
  const hu = Int16Array.from({ length: 720 }, (_, at) => ((at * 7919) % 997) - 400);
  const turns = readReference<{ name: string; matrix: number[][] }[]>("orientation").slice(0, 48);
  let expected: Uint8Array | undefined;
  for (const { name, matrix } of turns) {
    // Which patient axis (0 R, 1 A, 2 S) each grid axis follows, and in which direction.
    const along = [0, 1, 2].map((column) => {
      const axis = matrix.findIndex((row) => row[column] !== 0);
      return { axis, sign: Math.sign(matrix[axis]![column]!) };
    });
    const dims = along.map(({ axis }) => ras[axis]!) as unknown as Ijk;
    const steps = [0, 1, 2].map((row) => along.map(({ axis, sign }) => (axis === row ? sign * spacing[axis]! : 0)));
    /** Place in the canonical array of each voxel as it is stored. */
    const places: number[] = [];
    for (let k = 0; k < dims[2]; k++)
      for (let j = 0; j < dims[1]; j++)
        for (let i = 0; i < dims[0]; i++) {
          const place = [0, 0, 0];
          for (const [column, { axis, sign }] of along.entries()) {
            const index = [i, j, k][column]!;
            place[axis] = sign > 0 ? index : ras[axis]! - 1 - index;
          }
          places.push(place[0]! + 10 * (place[1]! + 9 * place[2]!));
        }
    const volume = { grid: gridFromRas(dims, steps), hu: Int16Array.from(places, (place) => hu[place]!) };
    const { labels } = await predictOne(volume, plans, formula, { stepSize: 0.5 });
    const canonical = new Uint8Array(720);
    for (const [at, place] of places.entries()) canonical[place] = labels[at]!;
    expected ??= canonical;
    assert.deepEqual(canonical, expected, name);
  }
  assert.equal(new Set(expected).size, 4, "all classes occur");
});

test("progress counts the tiles from none to all", async () => {
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1, 1, 1], transpose: [0, 1, 2] });
  const grid = gridFromRas(
    [12, 8, 8],
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  );
  const seen: string[] = [];
  await predictOne({ grid, hu: new Int16Array(768).fill(9) }, plans, over100, {
    stepSize: 0.5,
    onProgress: (done, total) => seen.push(`${done}/${total}`),
  });
  assert.deepEqual(seen, ["0/2", "1/2", "2/2"]);
});

test("an abort ends the work before the next tile, with the signal's reason", async () => {
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1, 1, 1], transpose: [0, 1, 2] });
  const grid = gridFromRas(
    [40, 8, 8],
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  );
  const stop = new AbortController();
  let calls = 0;
  const infer: Infer = (patch, shape) => {
    calls++;
    stop.abort(new Error("stopped by the user"));
    return over100(patch, shape);
  };
  await assert.rejects(
    predictOne({ grid, hu: new Int16Array(2560).fill(9) }, plans, infer, { stepSize: 0.5, signal: stop.signal }),
    /stopped by the user/,
  );
  assert.equal(calls, 1);
});

/** A patch's voxels above `hu`, as `channel` of 4. */
const above =
  (channel: number, hu: number): Infer =>
  async (patch) => {
    const logits = new Float32Array(4 * patch.length);
    for (let at = 0; at < patch.length; at++) logits[channel * patch.length + at] = patch[at]! * ct.std + ct.mean - hu;
    return logits;
  };

test("parts are merged by their labels' values: a later part wins where it found something, and no one's background does", async () => {
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1.5, 1.5, 1.5], transpose: [0, 1, 2] });
  const coarse = plansOf({ patch: [8, 8, 8], spacing: [1.5, 1.5, 3], transpose: [0, 1, 2] });
  const steps: [Lps, Lps, Lps] = [
    [1.5, 0, 0],
    [0, 1.5, 0],
    [0, 0, 1.5],
  ];
  const dims: Ijk = [10, 9, 9];
  const hu = Int16Array.from({ length: 810 }, (_, at) => ((at * 7919) % 1200) - 400);
  const volume: CtVolume = { grid: { dims, origin: [0, 0, 0], steps }, hu };
  const parts = [
    partOf(plans, above(1, 0.5), Uint8Array.of(0, 11, 12, 13)),
    partOf(plans, above(3, 300.5), Uint8Array.of(0, 21, 22, 23)),
    partOf(plans, above(2, 600.5), Uint8Array.of(0, 31, 32, 33)),
  ];
  const { labelMap, patches } = await predict(volume, parts, { stepSize: 1 });
  const expected = (value: number) => (value > 600 ? 32 : value > 300 ? 23 : value > 0 ? 11 : 0);
  assert.deepEqual(labelMap.labels, Uint8Array.from(hu, expected));
  assert.equal(patches, 3 * 8);
  const wanted = await predict(volume, parts, { stepSize: 1, wanted: new Set([11, 32]) });
  assert.deepEqual(
    wanted.labelMap.labels,
    Uint8Array.from(hu, (value) => (expected(value) === 23 ? 0 : expected(value))),
  );
  // A part on another grid is laid over what is there, on the source grid.
  const flat: CtVolume = { ...volume, hu: hu.fill(400) };
  const overlaid = await predict(flat, [parts[0]!, partOf(coarse, above(3, 300.5), Uint8Array.of(0, 21, 22, 23))], { stepSize: 1 });
  assert.deepEqual(new Set(overlaid.labelMap.labels), new Set([23]));
});

test("a CT is prepared once for neighbouring parts with the same spacing", async () => {
  const plans = plansOf({ patch: [8, 8, 8], spacing: [1.5, 1.5, 1.5], transpose: [0, 1, 2] });
  const other = plansOf({ patch: [8, 8, 8], spacing: [3, 3, 3], transpose: [0, 1, 2] });
  const grid = gridFromRas(
    [12, 8, 8],
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  );
  const parts = [plans, plans, other, other].map((each) => partOf(each, over100));
  let zooms = 0;
  const compute: Compute = {
    ...inThisThread,
    zoomCt(source, dims, order) {
      zooms++;
      return inThisThread.zoomCt(source, dims, order);
    },
  };
  await predict({ grid, hu: new Int16Array(768).fill(9) }, parts, { stepSize: 0.5, compute });
  assert.equal(zooms, 2);
});

test("mirrored patches are turned back: a network that knows left from right counts both ways, one that doesn't answers as before", async () => {
  const plans = plansOf({ patch: [4, 8, 8], spacing: [1.5, 1.5, 1.5], transpose: [0, 1, 2] });
  const steps: [Lps, Lps, Lps] = [
    [1.5, 0, 0],
    [0, 1.5, 0],
    [0, 0, 1.5],
  ];
  const dims: Ijk = [8, 8, 4];
  const hu = Int16Array.from({ length: 256 }, (_, at) => ((at * 7919) % 1200) - 400);
  const volume: CtVolume = { grid: { dims, origin: [0, 0, 0], steps }, hu };
  const { labelMap, patches } = await predict(volume, [partOf(plans, over100)], { stepSize: 1, mirrorAxes: [0, 1, 2] });
  assert.equal(patches, 8);
  assert.deepEqual(
    labelMap.labels,
    Uint8Array.from(hu, (value) => Number(value > 100)),
  );
  // Class 1 outweighs class 2 in the first half of a patch's columns; mirrored along x both halves are a draw, and the lower class wins.
  const sided: Infer = async (patch) => {
    const logits = new Float32Array(4 * patch.length);
    for (let at = 0; at < patch.length; at++) {
      logits[patch.length + at] = at % 8 < 4 ? 2 : 1;
      logits[2 * patch.length + at] = at % 8 < 4 ? 1 : 2;
    }
    return logits;
  };
  const plain = await predict(volume, [partOf(plans, sided)], { stepSize: 1 });
  assert.deepEqual(new Set(plain.labelMap.labels), new Set([1, 2]));
  const both = await predict(volume, [partOf(plans, sided)], { stepSize: 1, mirrorAxes: [2] });
  assert.deepEqual(new Set(both.labelMap.labels), new Set([1]));
});
