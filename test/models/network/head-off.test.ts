import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openSession } from "../../../appliance/inference/session.ts";
import { parsePlans } from "../../../appliance/nnunet/plans.ts";
import { withHeadOff } from "../../../models/network/head-off.ts";
import { expectedWeights, fp32Graph } from "../../../models/network/u-net.ts";
import { writeOnnxFile } from "../../../models/onnx/write.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { newPlans, smallDataset } from "../../reference/plans.ts";

const { network: plan } = parsePlans(newPlans(), smallDataset(), "3d_fullres");
const channels = plan.featuresPerStage[0]!;
let state = 11;
const next = (): number => {
  state = (state * 48271) % 2147483647;
  return state / 2147483647 - 0.5;
};
const randomGraph = (classes: number) => {
  const weights = new Map(
    [...expectedWeights(plan, classes)].map(([name, dims]) => [
      name,
      { dims, data: Float32Array.from({ length: dims.reduce((product, length) => product * length, 1) }, next) },
    ]),
  );
  return fp32Graph(plan, classes, weights);
};

test("a network with more classes than features gives its features too; its head makes the logits of them", async () => {
  await using folder = await temporaryFolder("head-off");
  const classes = channels + 3;
  const off = withHeadOff(randomGraph(classes), plan, classes)!;
  assert.equal(off.channels, channels);
  const path = join(folder.path, "network.onnx");
  await writeOnnxFile(path, off.model);
  const shape = [16, 24, 32] as const;
  const patch = Float32Array.from({ length: 16 * 24 * 32 }, next);
  const answer = async (outputName: string, count: number) => {
    const output = { channels: count, layout: "ncdhw", type: "float32" } as const;
    const session = await openSession(path, { threads: 1, inputName: "input", outputName, output });
    const found = Float32Array.from(await session.infer(patch, shape));
    await session.close();
    return found;
  };
  const [logits, features] = [await answer("logits", classes), await answer(off.output, channels)];
  let worst = 0;
  for (let voxel = 0; voxel < patch.length; voxel++)
    for (let k = 0; k < classes; k++) {
      let logit = off.head[classes * channels + k]!;
      for (let c = 0; c < channels; c++) logit += off.head[k * channels + c]! * features[c * patch.length + voxel]!;
      worst = Math.max(worst, Math.abs(logit - logits[k * patch.length + voxel]!));
    }
  assert.ok(worst < 1e-4, `logits differ by ${worst}`); // rounding of 32-bit sums in another order
});

test("a network with fewer classes than features keeps its head", () => {
  assert.equal(withHeadOff(randomGraph(channels - 1), plan, channels - 1), null);
});
