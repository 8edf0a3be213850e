import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Activation, Trial } from "../../../appliance/domain/activation.ts";
import { readModel } from "../../../appliance/inference/models.ts";
import { inThisThread } from "../../../appliance/nnunet/compute.ts";
import { type RunModelOptions, runModel } from "../../../appliance/pipeline/run-model.ts";
import type { Ijk } from "../../../appliance/volume/grid.ts";
import type { CtVolume } from "../../../appliance/volume/volume.ts";
import { digest, makeThresholdModel, organ, thresholdManifest, withPart } from "../../make/threshold-model.ts";

const root = await mkdtemp(join(tmpdir(), "run-model-"));
after(() => rm(root, { recursive: true }));
const fp32 = (await thresholdManifest("x")).parts[0]!.networks[0]!;
const options: RunModelOptions = {
  activation: null,
  activationFolder: null,
  threads: 1,
  compute: inThisThread,
  mode: "exact",
  wanted: null,
  cropBy: null,
  benchPrecision: null,
  asBefore: null,
  isLast: false,
  onInfer: () => {},
  onProgress: () => {},
  onStage: () => {},
};

/** Air, with a block of each organ; normalised by the test plans' mean and standard deviation. */
function body(): CtVolume {
  const dims: Ijk = [40, 40, 40];
  const hu = new Int16Array(64000).fill(-1000);
  const { mean, std } = { mean: 77.25, std: 181.3 };
  const block = (from: number, to: number, value: number) => {
    for (let k = from; k < to; k++)
      for (let j = from; j < to; j++) for (let i = from; i < to; i++) hu[i + 40 * (j + 40 * k)] = Math.round(mean + std * value);
  };
  block(5, 12, 2);
  block(25, 33, 3.1);
  return {
    grid: {
      dims,
      origin: [0, 0, 0],
      steps: [
        [1.5, 0, 0],
        [0, 1.5, 0],
        [0, 0, 1.5],
      ],
    },
    hu,
  };
}
const values = (labels: Uint8Array) => [...new Set(labels)].sort();

test("the first form of a network that may be run is run; one that can't be loaded leaves a note, one that is barred is passed over", async () => {
  const broken = Buffer.from("this is no network");
  const folder = await makeThresholdModel(root, "forms", (manifest) =>
    withPart(manifest, (part) => ({
      ...part,
      networks: [
        { ...fp32, precision: "int8", barred: "worst Dice 0.91" },
        { ...fp32, precision: "int8", engine: "tensorrt" },
        { ...fp32, precision: "fp16", file: "broken.onnx", sha256: digest(broken), sizeBytes: broken.length },
        fp32,
      ],
    })),
  );
  await writeFile(join(folder, "broken.onnx"), broken);
  const { used, notes, labelMap } = await runModel(body(), await readModel(folder), options);
  assert.deepEqual(
    used.map(({ part, network, provider }) => [part, network.precision, provider]),
    [["main", "fp32", "cpu"]],
  );
  assert.match(notes[0]!, /^broken\.onnx can't be run on cpu: .* can't be loaded/);
  assert.deepEqual(values(labelMap.labels), [0, 1, 2]);
});

test("to make a result again the form that made it is run, best or not, barred since or not; one that is gone leaves it to the best", async () => {
  const folder = await makeThresholdModel(root, "again", (manifest) =>
    withPart(manifest, (part) => ({ ...part, networks: [fp32, { ...fp32, precision: "int8", barred: "worst Dice 0.91" }] })),
  );
  const model = await readModel(folder);
  const past = (file: string) => [
    { part: "main", file: "of-a-cropping-model.onnx", precision: "fp32", provider: "cpu", threads: 1 },
    { part: "main", file, precision: "int8", provider: "cpu", threads: 2 },
  ];
  const again = async (file: string) => {
    const { used } = await runModel(body(), model, { ...options, asBefore: past(file) });
    return used.map(({ network, threads }) => [network.precision, threads]);
  };
  assert.deepEqual(await again(fp32.file), [["int8", 2]]);
  assert.deepEqual(await again("gone.onnx"), [["fp32", null]]);
});

test("a damaged file is refused, not passed over", async () => {
  const folder = await makeThresholdModel(root, "damaged", (manifest) =>
    withPart(manifest, (part) => ({ ...part, networks: [{ ...fp32, precision: "int8", sha256: "ab".repeat(32) }, fp32] })),
  );
  await assert.rejects(runModel(body(), await readModel(folder), options), { code: "model-digest" });
});

test("an engine that was built here is taken from beside the activation; one that is gone, or that nothing can run, leaves it to the next form", async () => {
  const folder = await makeThresholdModel(root, "built", (manifest) =>
    withPart(manifest, (part) => ({ ...part, networks: [{ ...fp32, file: "steps.onnx", precision: "int8", engine: "tensorrt" }, fp32] })),
  );
  const activationFolder = await mkdtemp(join(root, "activations-"));
  const bytes = await readFile(join(folder, fp32.file));
  const built = { file: "engine.onnx", sha256: digest(bytes), sizeBytes: bytes.length, patchSize: [32, 32, 32] } as const;
  await writeFile(join(activationFolder, built.file), bytes);
  const measured = { threads: 1, arena: true, patchMs: 1, patches: 1, peakMemoryBytes: 1, agreement: null };
  const about = { part: "main", file: fp32.file, sha256: fp32.sha256, outcome: "usable", detail: "", measured } as const;
  const run = async (engine: Partial<Trial>) => {
    const trials: Trial[] = [
      { ...about, file: "steps.onnx", precision: "int8", provider: "cpu", built, ...engine },
      { ...about, precision: "fp32", provider: "cpu" },
    ];
    const activation = { schema: 1, model: "built", version: "1.0.0", manifestSha256: "", machine: "", engine: "", at: 0, trials } as const;
    const { used, notes } = await runModel(body(), await readModel(folder), { ...options, activation, activationFolder });
    return [used.map(({ network }) => network.file), notes] as const;
  };
  // Here the engine is a network that the CPU can run.
  assert.deepEqual(await run({}), [["engine.onnx"], []]);
  const [gone, why] = await run({ built: { ...built, file: "gone.onnx" } });
  assert.deepEqual(gone, ["model.onnx"]);
  assert.match(why[0]!, /^gone\.onnx can't be run on cpu: no file at /);
});

test("an activation decides which forms are run, and with what settings", async () => {
  const folder = await makeThresholdModel(root, "activated", (manifest) =>
    withPart(manifest, (part) => ({ ...part, networks: [{ ...fp32, precision: "int8" }, fp32] })),
  );
  const measured = { threads: 2, arena: false, patchMs: 1, patches: 1, peakMemoryBytes: 1, agreement: null };
  const trial = (precision: "int8" | "fp32", outcome: Trial["outcome"]): Trial => ({
    part: "main",
    file: fp32.file,
    sha256: fp32.sha256,
    precision,
    provider: "cpu",
    outcome,
    detail: "",
    measured,
  });
  const activation = (trials: Trial[]): Activation => ({
    schema: 1,
    model: "activated",
    version: "1.0.0",
    manifestSha256: "",
    machine: "",
    engine: "",
    at: 0,
    trials,
  });
  const model = await readModel(folder);
  const { used } = await runModel(body(), model, { ...options, activation: activation([trial("fp32", "usable")]) });
  assert.deepEqual([used[0]!.threads, used[0]!.arena], [2, false]);
  await assert.rejects(runModel(body(), model, { ...options, activation: activation([trial("int8", "barred")]) }), {
    code: "model-barred",
    message: /no form of the network of part main of activated may be run/,
  });
});

test("only wanted labels are drawn, and an unknown one is refused with those that there are", async () => {
  const model = await readModel(await makeThresholdModel(root, "choice"));
  const { labelMap } = await runModel(body(), model, { ...options, wanted: ["spleen"] });
  assert.deepEqual(values(labelMap.labels), [0, 2]);
  await assert.rejects(runModel(body(), model, { ...options, wanted: ["heart"] }), {
    code: "label-unknown",
    message: /it has liver, spleen/,
  });
});

test("a model that crops by another one sees only the labels and the margin around them", async () => {
  await makeThresholdModel(join(root, "crops"), "rough");
  const model = await readModel(
    await makeThresholdModel(join(root, "crops"), "fine", (manifest) => ({
      ...manifest,
      labels: [organ(5, "liver"), organ(9, "spleen")],
      crop: { model: "rough", labels: ["spleen"], marginMm: 4 },
    })),
  );
  const seen: number[] = [];
  const { labelMap, patches, used } = await runModel(body(), model, { ...options, onProgress: (share) => seen.push(share) });
  assert.deepEqual(values(labelMap.labels), [0, 9]);
  // The plans' slices are 3 mm apart: the block may lose one voxel on each side.
  for (const [at, label] of labelMap.labels.entries()) {
    const place = [at % 40, Math.floor(at / 40) % 40, Math.floor(at / 1600)];
    if (place.every((n) => n >= 26 && n < 32)) assert.equal(label, 9);
    else if (place.some((n) => n < 25 || n >= 33)) assert.equal(label, 0);
  }
  assert.equal(used.length, 2);
  assert.ok(patches > 1);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), 1);
});

test("where nothing is found to crop to the result is empty and says why", async () => {
  await makeThresholdModel(join(root, "empty"), "rough");
  const model = await readModel(await makeThresholdModel(join(root, "empty"), "fine"));
  const { labelMap, notes } = await runModel({ ...body(), hu: new Int16Array(64000).fill(-1000) }, model, {
    ...options,
    wanted: ["liver"],
    cropBy: "rough",
  });
  assert.deepEqual(values(labelMap.labels), [0]);
  assert.deepEqual(notes, ["rough found nothing of liver to crop to, so nothing was looked for"]);
});
