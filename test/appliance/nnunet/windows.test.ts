import assert from "node:assert/strict";
import { test } from "node:test";
import { inThisThread } from "../../../appliance/nnunet/compute.ts";
import { parsePlans, type Zyx } from "../../../appliance/nnunet/plans.ts";
import { predict } from "../../../appliance/nnunet/predict.ts";
import { preprocess } from "../../../appliance/nnunet/preprocess.ts";
import { fastWindowsOf, windowsOf } from "../../../appliance/nnunet/windows.ts";
import type { Ijk } from "../../../appliance/volume/grid.ts";
import type { CtVolume } from "../../../appliance/volume/volume.ts";
import { newPlans, smallDataset } from "../../reference/plans.ts";

/** A CT of air at 2 mm, its grid in the network's own order of axes, with blocks of tissue. */
function bodyIn(dims: Ijk, blocks: readonly { readonly from: Ijk; readonly to: Ijk }[]): CtVolume {
  const hu = new Int16Array(dims[0] * dims[1] * dims[2]).fill(-1000);
  for (const { from, to } of blocks)
    for (let k = from[2]; k < to[2]; k++)
      for (let j = from[1]; j < to[1]; j++) for (let i = from[0]; i < to[0]; i++) hu[i + dims[0] * (j + dims[1] * k)] = 50;
  return {
    grid: {
      dims,
      origin: [0, 0, 0],
      steps: [
        [-2, 0, 0],
        [0, -2, 0],
        [0, 0, 2],
      ],
    },
    hu,
  };
}

function plansOf(patch: Zyx) {
  const plans = newPlans({ patch_size: [...patch], spacing: [2, 2, 2] });
  plans.configurations["3d_fullres"].architecture.arch_kwargs.strides = [
    [1, 1, 1],
    [2, 2, 2],
    [2, 2, 2],
  ];
  return parsePlans(plans, smallDataset(), "3d_fullres");
}

test("fast looks at the body with 15 mm around it", async () => {
  const plans = plansOf([16, 16, 16]);
  const prepared = await preprocess(bodyIn([64, 60, 40], [{ from: [20, 10, 0], to: [40, 30, 40] }]), plans, inThisThread);
  const { box, starts } = fastWindowsOf(prepared, plans, { patchSize: plans.patchSize, isFixed: true }, 0.5);
  assert.deepEqual(box, { start: [12, 2, 0], dims: [36, 36, 40] });
  assert.ok(starts.length < windowsOf(prepared, plans.patchSize, 0.5).starts.length);
});

test("a body smaller than a tile is seen with what lies beside it, as far as the CT goes, and padded only beyond", async () => {
  const plans = plansOf([32, 32, 32]);
  const prepared = await preprocess(bodyIn([64, 20, 40], [{ from: [2, 8, 30], to: [6, 12, 38] }]), plans, inThisThread);
  const { box, before, starts } = fastWindowsOf(prepared, plans, { patchSize: plans.patchSize, isFixed: true }, 0.5);
  assert.deepEqual(box, { start: [0, 0, 8], dims: [32, 20, 32] });
  assert.deepEqual(before, [0, 6, 0]);
  assert.equal(starts.length, 1);
});

test("a side a little longer than the patch is covered by one larger tile, as far as a third and the strides allow", async () => {
  const plans = plansOf([24, 24, 24]);
  const prepared = await preprocess(bodyIn([26, 33, 24], [{ from: [0, 0, 0], to: [26, 33, 24] }]), plans, inThisThread);
  const free = fastWindowsOf(prepared, plans, { patchSize: plans.patchSize, isFixed: false }, 0.5);
  // 26 columns: one tile of 28 in place of two of 24. 33 rows: two of 24 are 48 voxels, and 32 (a third more) does not cover them.
  assert.deepEqual(free.tile, [24, 24, 28]);
  assert.equal(free.starts.length, 2);
  const fixed = fastWindowsOf(prepared, plans, { patchSize: plans.patchSize, isFixed: true }, 0.5);
  assert.deepEqual(fixed.tile, [24, 24, 24]);
  assert.equal(fixed.starts.length, 4);
});

test("tiles over nothing but air are not asked about, and leave background; elsewhere labels are those of exact", async () => {
  const plans = plansOf([8, 8, 8]);
  const volume = bodyIn(
    [60, 12, 12],
    [
      { from: [0, 0, 0], to: [12, 12, 12] },
      { from: [48, 0, 0], to: [60, 12, 12] },
    ],
  );
  let asked = 0;
  const { ct } = plans;
  const infer = async (patch: Float32Array) => {
    asked++;
    const logits = new Float32Array(4 * patch.length);
    for (let at = 0; at < patch.length; at++) logits[patch.length + at] = patch[at]! * ct.std + ct.mean;
    return logits;
  };
  const output = { channels: plans.classes, layout: "ncdhw" } as const;
  const part = {
    plans,
    values: Uint8Array.of(0, 1, 2, 3),
    open: async () => ({ infer, output, head: null, patchSize: plans.patchSize, close: async () => {} }),
  };
  const exact = await predict(volume, [part], { stepSize: 0.5 });
  const askedExactly = asked;
  asked = 0;
  const seen: number[] = [];
  const fast = await predict(volume, [part], { stepSize: 0.5, mode: "fast", onProgress: (done, total) => seen.push(done / total) });
  assert.deepEqual(fast.labelMap.labels, exact.labelMap.labels);
  assert.equal(fast.patches, asked);
  assert.equal(fast.patches + fast.patchesOfAir, askedExactly);
  assert.ok(fast.patchesOfAir > 0 && exact.patchesOfAir === 0);
  assert.equal(seen.at(-1), 1);
});
