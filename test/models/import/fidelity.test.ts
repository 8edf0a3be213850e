import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { parsePlans } from "../../../appliance/nnunet/plans.ts";
import { Checkpoint } from "../../../models/import/checkpoint.ts";
import { readWeights } from "../../../models/import/weights.ts";
import { fp32Graph } from "../../../models/network/u-net.ts";
import { readOnnxFile } from "../../../models/onnx/read.ts";
import { writeOnnxFile } from "../../../models/onnx/write.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

type Shape = readonly [number, number, number];
type Case = {
  readonly name: string;
  readonly architecture: "PlainConvUNet" | "ResidualEncoderUNet";
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly classes: number;
  readonly patch: Shape;
  readonly form: "new" | "old";
  readonly shapes: readonly Shape[];
  readonly mirroring: readonly number[] | null;
};

const kwargs = {
  conv_op: "torch.nn.modules.conv.Conv3d",
  conv_bias: true,
  norm_op: "torch.nn.modules.instancenorm.InstanceNorm3d",
  norm_op_kwargs: { eps: 1e-5, affine: true },
  dropout_op: null,
  dropout_op_kwargs: null,
  nonlin: "torch.nn.LeakyReLU",
  nonlin_kwargs: { inplace: true },
};

/** Odd strides and kernels on purpose: thin slices are what nnU-Net plans for thick CTs. */
const cases: readonly Case[] = [
  {
    name: "plain, new plans, thick slices",
    architecture: "PlainConvUNet",
    kwargs: {
      ...kwargs,
      n_stages: 4,
      features_per_stage: [8, 16, 32, 32],
      kernel_sizes: [
        [1, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [1, 2, 2],
        [2, 2, 2],
        [2, 1, 1],
      ],
      n_conv_per_stage: [2, 2, 3, 2],
      n_conv_per_stage_decoder: [2, 1, 2],
    },
    classes: 5,
    patch: [16, 32, 32],
    form: "new",
    shapes: [
      [16, 32, 32],
      [8, 24, 40],
    ],
    mirroring: [0, 1, 2],
  },
  {
    name: "plain, old plans",
    architecture: "PlainConvUNet",
    kwargs: {
      ...kwargs,
      features_per_stage: [8, 16, 20],
      kernel_sizes: [
        [3, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [2, 2, 2],
        [2, 2, 2],
      ],
      n_conv_per_stage: [2, 2, 2],
      n_conv_per_stage_decoder: [2, 2],
    },
    classes: 3,
    patch: [16, 16, 16],
    form: "old",
    shapes: [[16, 16, 24]],
    mirroring: null,
  },
  {
    name: "residual, new plans, thick slices",
    architecture: "ResidualEncoderUNet",
    kwargs: {
      ...kwargs,
      n_stages: 4,
      // The last stage keeps its width: its first block's skip pools and does not project.
      features_per_stage: [8, 16, 24, 24],
      kernel_sizes: [
        [1, 3, 3],
        [1, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [1, 2, 2],
        [2, 2, 2],
        [2, 2, 2],
      ],
      n_blocks_per_stage: [1, 3, 2, 2],
      n_conv_per_stage_decoder: [1, 1, 1],
      nonlin_kwargs: { inplace: true, negative_slope: 0.02 },
    },
    classes: 4,
    patch: [16, 32, 32],
    form: "new",
    shapes: [
      [16, 32, 32],
      [12, 16, 48],
    ],
    mirroring: [0, 1],
  },
  {
    name: "residual, old plans",
    architecture: "ResidualEncoderUNet",
    kwargs: {
      ...kwargs,
      features_per_stage: [8, 16, 32],
      kernel_sizes: [
        [3, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [2, 2, 2],
        [2, 2, 2],
      ],
      n_blocks_per_stage: [1, 2, 2],
      n_conv_per_stage_decoder: [1, 1],
    },
    classes: 2,
    patch: [16, 16, 16],
    form: "old",
    shapes: [[16, 16, 16]],
    mirroring: null,
  },
  {
    name: "plain, without bias and scale",
    architecture: "PlainConvUNet",
    kwargs: {
      ...kwargs,
      n_stages: 3,
      features_per_stage: [8, 12, 16],
      kernel_sizes: [3, 5, 3],
      strides: [1, 2, 2],
      n_conv_per_stage: [1, 2, 1],
      n_conv_per_stage_decoder: [1, 2],
      conv_bias: false,
      norm_op_kwargs: { eps: 1e-3 },
    },
    classes: 3,
    patch: [16, 16, 16],
    form: "new",
    shapes: [[32, 36, 40]],
    mirroring: null,
  },
];

test("a checkpoint imported as ONNX computes what torch computes", async (t) => {
  await using folder = await temporaryFolder("import");
  await python("test/models/import/networks.py", { out: folder.path, cases });
  for (const { name, shapes, classes, mirroring, architecture } of cases)
    await t.test(name, async () => {
      const results = join(folder.path, name, "nnUNetTrainer__nnUNetPlans__3d_fullres");
      const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(results, file), "utf8"));
      const plans = parsePlans(await json("plans.json"), await json("dataset.json"), "3d_fullres");
      assert.equal(plans.network.architecture, architecture);
      await using checkpoint = await Checkpoint.open(join(results, "fold_0/checkpoint_final.pth"));
      assert.deepEqual(checkpoint.mirrorAxes, mirroring ?? []);
      assert.equal(checkpoint.trainer, "nnUNetTrainer");
      const onnx = join(folder.path, "network.onnx");
      await writeOnnxFile(onnx, fp32Graph(plans.network, plans.classes, await readWeights(checkpoint, plans.network, plans.classes)));
      const seen = (await python("test/models/onnx/check_model.py", { path: onnx })) as { input: unknown };
      assert.deepEqual(seen.input, [1, 1, "depth", "height", "width"]);
      for (const [number, shape] of shapes.entries()) {
        const raw = async (what: string): Promise<Float32Array> => floats(await readFile(join(folder.path, name, `${number}.${what}.raw`)));
        const found = await infer(onnx, await raw("input"), shape);
        const { largest, agreeing } = compare(found, await raw("logits"), classes);
        t.diagnostic(`${name}, ${shape.join("x")}: largest difference ${largest.toExponential(1)}, ${(100 * agreeing).toFixed(3)} % agree`);
        assert.ok(largest <= 1e-3, `logits differ by ${largest}`);
        assert.ok(agreeing >= 0.9999, `classes agree in ${agreeing}`);
      }
    });
});

test("the reference model's checkpoint, as it ships, computes what torch computes", async (t) => {
  await using folder = await temporaryFolder("import");
  const results = "models/reference/nnunet";
  const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(results, file), "utf8"));
  const plans = parsePlans(await json("plans.json"), await json("dataset.json"), "3d_fullres");
  const path = join(results, "fold_0/checkpoint_final.pth");
  await using checkpoint = await Checkpoint.open(path);
  const onnx = join(folder.path, "network.onnx");
  await writeOnnxFile(onnx, fp32Graph(plans.network, plans.classes, await readWeights(checkpoint, plans.network, plans.classes)));
  const shape: Shape = [40, 32, 56];
  const voxels = Float32Array.from({ length: 40 * 32 * 56 }, (_, at) => Math.sin(at * 12.9898) * 2);
  const [input, output] = [join(folder.path, "input.raw"), join(folder.path, "logits.raw")];
  await writeFile(input, voxels);
  const names = await python("test/models/import/torch_logits.py", { results, checkpoint: path, input, shape, output });
  assert.deepEqual(names, [...checkpoint.tensors.keys()]);
  const { largest, agreeing } = compare(await infer(onnx, voxels, shape), floats(await readFile(output)), plans.classes);
  t.diagnostic(`largest difference ${largest.toExponential(1)}, ${(100 * agreeing).toFixed(3)} % agree`);
  assert.ok(largest <= 1e-3, `logits differ by ${largest}`);
  assert.ok(agreeing >= 0.9999, `classes agree in ${agreeing}`);
  const { graph } = await readOnnxFile(onnx);
  assert.ok(graph.initializers.some(({ name }) => name === "encoder.stages.0.0.convs.0.conv.weight"));
  assert.ok(graph.initializers.every(({ name }) => checkpoint.tensors.has(name)));
});

async function infer(path: string, voxels: Float32Array, shape: Shape): Promise<Float32Array> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 2 });
  const { logits } = await session.run({ input: new Tensor("float32", voxels, [1, 1, ...shape]) });
  await session.release();
  return logits!.data as Float32Array;
}

function compare(found: Float32Array, expected: Float32Array, classes: number): { largest: number; agreeing: number } {
  assert.equal(found.length, expected.length);
  const voxels = found.length / classes;
  let largest = 0;
  let agreeing = 0;
  for (let at = 0; at < found.length; at++) largest = Math.max(largest, Math.abs(found[at]! - expected[at]!));
  for (let voxel = 0; voxel < voxels; voxel++)
    if (best(found, voxel, voxels, classes) === best(expected, voxel, voxels, classes)) agreeing++;
  return { largest, agreeing: agreeing / voxels };
}

function best(logits: Float32Array, voxel: number, voxels: number, classes: number): number {
  let winner = 0;
  for (let label = 1; label < classes; label++) if (logits[label * voxels + voxel]! > logits[winner * voxels + voxel]!) winner = label;
  return winner;
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);
