import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import { type LoadedPart, listModels, loadModel } from "../../../appliance/inference/models.ts";
import { openNetwork, ownValuesOf, valuesOf } from "../../../appliance/inference/network.ts";
import { predict } from "../../../appliance/nnunet/predict.ts";
import {
  datasetText,
  digest,
  makeThresholdModel,
  organ,
  plansText,
  thresholdManifest,
  thresholdNetwork,
  withNetwork,
  withPart,
} from "../../make/threshold-model.ts";

const root = await mkdtemp(join(tmpdir(), "models-"));
after(() => rm(root, { recursive: true }));
const makeModel = (parent: string, name: string, change?: (manifest: ModelManifest) => unknown): Promise<string> =>
  makeThresholdModel(join(root, parent), name, change);

test("a whole model is loaded with its plans, and runs", async () => {
  const folder = await makeModel("whole", "thresholds");
  const { manifest, parts, folder: from } = await loadModel(folder);
  assert.equal(from, folder);
  assert.deepEqual(manifest, await thresholdManifest("thresholds"));
  const [{ plans, part }] = parts as [LoadedPart];
  assert.equal(plans.classes, 3);

  const { mean, std } = plans.ct;
  // Normalised values 0.5, 2 and 3.1: background, liver, spleen.
  const hu = new Int16Array(40 * 30 * 20).map((_, at) => Math.round(mean + std * (at < 8000 ? 0.5 : at < 16000 ? 2 : 3.1)));
  const grid = {
    dims: [40, 30, 20],
    origin: [0, 0, 0],
    steps: [
      [1.5, 0, 0],
      [0, 1.5, 0],
      [0, 0, 3],
    ],
  } as const;
  const { labelMap } = await predict(
    { grid, hu },
    [
      {
        plans,
        values: valuesOf({ part, plans }, manifest.labels),
        open: () => openNetwork(folder, part.networks[0]!, plans, { threads: 1 }),
      },
    ],
    { stepSize: manifest.stepSize },
  );
  assert.deepEqual(
    labelMap.labels,
    new Uint8Array(24000).map((_, at) => (at < 8000 ? 0 : at < 16000 ? 1 : 2)),
  );
});

test("one flipped bit in a network is refused", async () => {
  const folder = await makeModel("flipped", "thresholds");
  const bytes = await readFile(join(folder, "model.onnx"));
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 4;
  await writeFile(join(folder, "model.onnx"), bytes);
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /model\.onnx: expected SHA-256 [0-9a-f]{64}, found/ });
});

test("a network that is cut short is refused before it is read", async () => {
  const folder = await makeModel("short", "thresholds");
  await writeFile(join(folder, "model.onnx"), (await readFile(thresholdNetwork)).subarray(0, 100));
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /expected \d+ bytes, found 100/ });
});

test("plans and dataset are checked against their digests where the manifest gives them", async () => {
  const withDigests = (manifest: ModelManifest) =>
    withPart(manifest, (part) => ({
      ...part,
      nnunet: { ...part.nnunet, plansSha256: digest(plansText), datasetSha256: digest(datasetText) },
    }));
  const folder = await makeModel("digests", "thresholds", withDigests);
  await loadModel(folder);
  await writeFile(join(folder, "nnunet/plans.json"), plansText.replace("77.25", "77.75"));
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /plans\.json/ });
});

test("every file of a network is checked: tensors beside the graph, and the head taken off it", async () => {
  const head = new Uint8Array(4 * 3 * (2 + 1)).fill(7);
  const weights = new Uint8Array(50).fill(3);
  const file = (name: string, bytes: Uint8Array) => ({ file: name, sha256: digest(bytes), sizeBytes: bytes.length });
  const features = { channels: 2, layout: "ncdhw", type: "float32", head: file("head.f32", head) };
  const fp32 = (await thresholdManifest("x")).parts[0]!.networks[0];
  const folder = await makeModel("beside", "thresholds", (manifest) =>
    withPart(manifest, (part) => ({
      ...part,
      networks: [
        { ...fp32, features },
        { ...fp32, externalData: [file("weights.bin", weights)] },
      ],
    })),
  );
  await assert.rejects(loadModel(folder), { code: "model-missing", message: /head\.f32/ });
  await writeFile(join(folder, "head.f32"), head);
  await assert.rejects(loadModel(folder), { code: "model-missing", message: /weights\.bin/ });
  await writeFile(join(folder, "weights.bin"), weights.with(20, 4));
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /weights\.bin/ });
  await writeFile(join(folder, "weights.bin"), weights);
  await loadModel(folder);

  const short = await makeModel("beside", "short", (manifest) =>
    withNetwork(manifest, { features: { ...features, head: { ...features.head, sizeBytes: 32 } } }),
  );
  await assert.rejects(loadModel(short), { code: "model-manifest", message: /expected 36 bytes for 3 classes of 2 channels, found 32/ });
});

test("labels that go by another name than in training are refused; their numbers are the manifest's own", async () => {
  const renumbered = await makeModel("labels", "renumbered", (manifest) => ({
    ...manifest,
    labels: [organ(2, "liver"), organ(7, "spleen")],
  }));
  await loadModel(renumbered);
  const renamed = await makeModel("labels", "renamed", (manifest) => ({ ...manifest, labels: [organ(1, "liver"), organ(2, "milt")] }));
  await assert.rejects(loadModel(renamed), {
    code: "model-labels",
    message: /names labels liver, milt; its parts were trained for liver, spleen/,
  });
  const missing = await makeModel("labels", "missing", (manifest) => ({ ...manifest, labels: [organ(1, "liver")] }));
  await assert.rejects(loadModel(missing), { code: "model-labels" });
});

test("a label that only helped in training is background, and none of the model's", async () => {
  const leavingOut = (...auxiliary: string[]) =>
    makeModel("auxiliary", auxiliary.join("-"), (manifest) => ({
      ...withPart(manifest, (part) => ({ ...part, auxiliary })),
      labels: [organ(1, "spleen")],
    }));
  const { manifest, parts } = await loadModel(await leavingOut("liver"));
  assert.deepEqual([...valuesOf(parts[0]!, manifest.labels)], [0, 0, 1]);
  assert.deepEqual([...ownValuesOf(parts[0]!)], [0, 0, 2], "and no form is judged by it");
  await assert.rejects(loadModel(await leavingOut("kidney", "liver")), {
    code: "model-labels",
    message: /leaves out kidney of part main, which was not trained for it/,
  });
  // One that is a label too would be drawn or not, nobody knows.
  await assert.rejects(loadModel(await leavingOut("liver", "spleen")), { code: "model-labels", message: /names labels spleen; its parts/ });
});

test("a manifest that is not valid is refused with the path of the fault", async () => {
  for (const [change, message] of [
    [(m: ModelManifest) => ({ ...m, schema: 1 }), /schema:/],
    [(m: ModelManifest) => ({ ...m, stepSize: 0 }), /stepSize:/],
    [(m: ModelManifest) => ({ ...m, parts: [] }), /parts:/],
    [(m: ModelManifest) => ({ ...m, parts: [m.parts[0], m.parts[0]] }), /names a part twice/],
    [(m: ModelManifest) => withNetwork(m, { file: "../other/model.onnx" }), /networks\.0\.file: expected a path inside/],
    [(m: ModelManifest) => withNetwork(m, { file: "/etc/passwd" }), /networks\.0\.file: expected a path inside/],
    [(m: ModelManifest) => withNetwork(m, { precision: "int8" }), /expected an fp32 network with engine onnx/],
    [(m: ModelManifest) => withNetwork(m, { engine: "tensorrt" }), /expected an fp32 network with engine onnx/],
    [(m: ModelManifest) => withNetwork(m, { patchSize: [31, 32, 32] }), /patch size 31 x 32 x 32 of model\.onnx can't be divided/],
    [
      (m: ModelManifest) => ({ ...m, postprocessing: { removeSmallBlobsMm3: null, keepLargest: ["heart"] } }),
      /heart, which is none of its labels/,
    ],
    [
      (m: ModelManifest) => ({ ...m, postprocessing: { ...m.postprocessing, removeSmallBlobsMm3Of: { heart: 50 } } }),
      /heart, which is none of its labels/,
    ],
    [
      (m: ModelManifest) => ({ ...m, postprocessing: { ...m.postprocessing, removeSmallBlobsMm3Of: { liver: -1 } } }),
      /postprocessing\.removeSmallBlobsMm3Of\.liver:/,
    ],
    [(m: ModelManifest) => ({ ...m, labels: [organ(1, "liver"), organ(2, "liver")] }), /names a label twice/],
    [(m: ModelManifest) => ({ ...m, labels: [organ(1, "liver"), organ(1, "spleen")] }), /names a label value twice/],
    [(m: ModelManifest) => ({ ...m, labels: [{ ...organ(1, "liver"), color: [0, 0, 256] }] }), /labels\.0\.color\.2:/],
  ] as const)
    await assert.rejects(loadModel(await makeModel("invalid", "thresholds", change)), { code: "model-manifest", message });
});

test("a folder without a manifest, or with one that is no JSON, is refused", async () => {
  await assert.rejects(loadModel(join(root, "nowhere")), { code: "model-missing" });
  const folder = await makeModel("text", "thresholds");
  await writeFile(join(folder, "manifest.json"), "{");
  await assert.rejects(loadModel(folder), { code: "model-manifest", message: /is not JSON/ });
});

test("models are listed by name, those of an earlier folder hide later ones, broken ones say why", async () => {
  const b = await makeModel("first", "b");
  const a = await makeModel("second", "a");
  await makeModel("second", "b");
  const broken = await makeModel("second", "c", () => ({}));
  await mkdir(join(root, "second/not-a-model"));
  const listed = await listModels([join(root, "first"), join(root, "absent"), join(root, "second")]);
  assert.deepEqual(
    listed.map((model) => [model.folder, "manifest" in model ? model.manifest.name : model.refusal.code]),
    [
      [a, "a"],
      [b, "b"],
      [broken, "model-manifest"],
    ],
  );
});
