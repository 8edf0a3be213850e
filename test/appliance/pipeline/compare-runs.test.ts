import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceRecord, InferenceTrace } from "../../../appliance/domain/result.ts";
import { differencesOf, verdictOf } from "../../../appliance/pipeline/compare-runs.ts";

const trace: InferenceTrace = {
  softwareVersion: "0.1.0",
  engine: "onnxruntime 1.30.0",
  threads: 2,
  cpu: "A processor",
  modelFiles: [
    { file: "model.onnx", sha256: "aa" },
    { file: "plans.json", sha256: "bb" },
  ],
  patchSize: [8, 8, 8],
  spacingMm: [3, 3, 3],
  stepSize: 0.5,
  mirrorAxes: [],
  labelMapSha256: "00",
  stepsMs: { readModel: 1, readImages: 1, openNetwork: 1, infer: 1, measure: 1 },
};
const run = (more: Partial<InferenceTrace> = {}, precision = "fp32"): InferenceRecord => ({
  provider: "cpu",
  precision,
  patches: 1,
  inferenceMs: 1,
  wallMs: 1,
  peakMemoryBytes: 1,
  notes: [],
  trace: { ...trace, ...more },
});

test("another time, another outcome and another order of the model's files make no other run", () => {
  const again = run({ labelMapSha256: "ff", stepsMs: { ...trace.stepsMs, infer: 99 }, modelFiles: [...trace.modelFiles].reverse() });
  assert.deepEqual(differencesOf(run(), { ...again, wallMs: 5, peakMemoryBytes: 7 }), []);
});

test("release, engine, precision, processor, threads and settings are each named as they were and are", () => {
  const now = run(
    { softwareVersion: "0.2.0", engine: "onnxruntime 1.31.0", cpu: "Another", threads: 4, stepSize: 1, mirrorAxes: [0] },
    "int8",
  );
  assert.deepEqual(
    differencesOf(run(), now)?.map(({ what, was, is }) => `${what}: ${was} -> ${is}`),
    [
      "precision: fp32 -> int8",
      "Segbox: 0.1.0 -> 0.2.0",
      "engine: onnxruntime 1.30.0 -> onnxruntime 1.31.0",
      "threads: 2 -> 4",
      "processor: A processor -> Another",
      "step size: 0.5 -> 1",
      "mirrored axes: [] -> [0]",
    ],
  );
});

test("of the model's files those that changed are named, and they make it another model", () => {
  const now = run({ modelFiles: [{ file: "model.onnx", sha256: "cc" }, trace.modelFiles[1]!] });
  const found = differencesOf(run(), now)!;
  assert.deepEqual(found, [{ what: "model files", was: "model.onnx aa", is: "model.onnx cc" }]);
  assert.equal(verdictOf(found, true, 1), "another-model", "however it came out");
});

test("where a release kept no trace, nothing can be said", () => {
  const { trace: _, ...bare } = run();
  assert.equal(differencesOf(bare, run()), null);
});

test("where nothing differs one voxel is too many; elsewhere structures have to agree", () => {
  const elsewhere = [{ what: "processor", was: "A", is: "B" }];
  assert.equal(verdictOf([], true, 1), "equal");
  assert.equal(verdictOf([], false, 0.9999), "unexplained");
  assert.equal(verdictOf(elsewhere, true, 1), "equal");
  assert.equal(verdictOf(elsewhere, false, 0.99), "agrees");
  assert.equal(verdictOf(elsewhere, false, 0.98), "differs");
  assert.equal(verdictOf(null, false, 0.995), "agrees", "nothing is known of the run, so nothing is promised");
});
