import assert from "node:assert/strict";
import { test } from "node:test";
import { type Activation, choicesAsBefore, choicesOf, type Trial, trialsOf } from "../../../appliance/domain/activation.ts";
import type { ModelPart, NetworkFile } from "../../../appliance/domain/model.ts";

const form = (file: string, precision: NetworkFile["precision"], more: Partial<NetworkFile> = {}): NetworkFile => ({
  ...{ file, sha256: `of ${file}`, sizeBytes: 1, precision, engine: "onnx", input: "input", output: "logits" },
  ...more,
});
const part: ModelPart = {
  name: "main",
  nnunet: { plans: "plans.json", dataset: "dataset.json", configuration: "3d_fullres" },
  networks: [form("int8", "int8"), form("steps", "int8", { engine: "tensorrt" }), form("half", "fp16"), form("full", "fp32")],
};
const built = { file: "engines/m/1-0.onnx", sha256: "of the engine", sizeBytes: 9, patchSize: [16, 16, 16] } as const;

function trial(file: string, provider: Trial["provider"], patchMs: number, more: Partial<Trial> = {}): Trial {
  const { precision, sha256 } = part.networks.find((each) => each.file === file)!;
  const measured = { threads: 2, arena: true, patchMs, patches: 1, peakMemoryBytes: 1, agreement: null };
  return { part: "main", file, sha256, precision, provider, outcome: "usable", detail: "", measured, ...more };
}
const activation = (trials: readonly Trial[]): Activation => ({
  ...{ schema: 1, model: "m", version: "1", manifestSha256: "0", machine: "", engine: "", at: 1 },
  trials,
});
const names = (choices: ReturnType<typeof choicesOf>) => choices.map(({ network, provider }) => `${network.file} ${provider}`);

test("what an engine is built from is tried on TensorRT only, INT8 graphs of the CPU on the CPU only", () => {
  const tried = trialsOf(part).map(({ network, provider }) => `${network.file} ${provider}`);
  assert.deepEqual(tried, [
    ...["steps tensorrt", "half tensorrt", "full tensorrt", "half cuda", "full cuda", "half webgpu", "full webgpu"],
    ...["int8 cpu", "half cpu", "full cpu"],
  ]);
});

test("a built engine is chosen in the place of its form, and the form itself never", () => {
  const [choice, ...others] = choicesOf(part, activation([trial("steps", "tensorrt", 5, { built })]));
  assert.deepEqual(others, []);
  assert.equal(choice!.isBuilt, true);
  const { file, sha256, patchSize, engine, precision } = choice!.network;
  assert.deepEqual(
    { file, sha256, patchSize, engine, precision },
    { ...{ file: built.file, sha256: built.sha256 }, patchSize: [16, 16, 16], engine: "onnx", precision: "int8" },
  );
  assert.deepEqual(choicesOf(part, activation([trial("steps", "tensorrt", 5)])), []);
  assert.deepEqual(names(choicesOf(part, null)), ["int8 cpu", "half cpu", "full cpu"]);
});

test("on a graphics card the faster form comes first, on the CPU the manifest's order holds, and a card goes before the CPU", () => {
  const trials = [
    trial("full", "tensorrt", 9),
    trial("steps", "tensorrt", 6, { built }),
    trial("half", "tensorrt", 4),
    trial("int8", "cpu", 90),
    trial("full", "cpu", 80),
    trial("half", "cpu", 1, { outcome: "barred" }),
  ];
  assert.deepEqual(names(choicesOf(part, activation(trials))), [
    "half tensorrt",
    `${built.file} tensorrt`,
    "full tensorrt",
    "int8 cpu",
    "full cpu",
  ]);
});

test("a result of an engine that is still there is made again with it", () => {
  const past = [{ part: "main", file: built.file, precision: "int8", provider: "tensorrt", threads: 2 }];
  const now = activation([trial("half", "tensorrt", 1), trial("steps", "tensorrt", 6, { built }), trial("full", "cpu", 9)]);
  assert.equal(choicesAsBefore(part, past, now)[0]!.network.file, built.file);
  assert.deepEqual(names(choicesAsBefore(part, past, activation([trial("full", "cpu", 9)]))), ["full cpu"]);
});
