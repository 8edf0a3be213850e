import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import { listModels, loadModel } from "../../../appliance/inference/models.ts";
import { openSession } from "../../../appliance/inference/session.ts";
import { predict } from "../../../appliance/nnunet/predict.ts";
import { newPlans, smallDataset } from "../../reference/plans.ts";

const root = await mkdtemp(join(tmpdir(), "models-"));
after(() => rm(root, { recursive: true }));
const onnx = new URL("../../data/onnx/threshold.onnx", import.meta.url);
const digest = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const organ = (value: number, name: string) => ({
  value,
  name,
  title: name,
  category: { value: "123037004", scheme: "SCT", meaning: "Anatomical Structure" },
  type: { value: "10200004", scheme: "SCT", meaning: "Liver" },
  modifiers: [],
  anatomicRegion: null,
  color: [221, 130, 101] as const,
  rtRoiInterpretedType: "ORGAN",
});

async function manifestOf(name: string): Promise<ModelManifest> {
  const bytes = await readFile(onnx);
  return {
    schema: 1,
    name,
    version: "1.0.0",
    title: "Thresholds",
    intendedUse: "tests",
    notFor: "diagnosis",
    licence: "Apache-2.0",
    algorithm: { name: "thresholds", version: "1.0.0" },
    trainingData: [],
    nnunet: { plans: "nnunet/plans.json", dataset: "nnunet/dataset.json", configuration: "3d_fullres" },
    networks: [{ file: "model.onnx", sha256: digest(bytes), sizeBytes: bytes.length, precision: "fp32", input: "input", output: "logits" }],
    stepSize: 0.5,
    mirrorAxes: [],
    labels: [organ(1, "liver"), organ(2, "spleen")],
  };
}

const plansText = JSON.stringify(newPlans());
const datasetText = JSON.stringify({ ...smallDataset(), labels: { background: 0, liver: 1, spleen: 2 } });

/** A whole model folder, its manifest changed as asked. */
async function makeModel(
  parent: string,
  name: string,
  change: (manifest: ModelManifest) => unknown = (manifest) => manifest,
): Promise<string> {
  const folder = join(root, parent, name);
  await mkdir(join(folder, "nnunet"), { recursive: true });
  await copyFile(onnx, join(folder, "model.onnx"));
  await writeFile(join(folder, "nnunet/plans.json"), plansText);
  await writeFile(join(folder, "nnunet/dataset.json"), datasetText);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(change(await manifestOf(name))));
  return folder;
}

test("a whole model is loaded with its plans, and runs", async () => {
  const folder = await makeModel("whole", "thresholds");
  const { manifest, plans, folder: from } = await loadModel(folder);
  assert.equal(from, folder);
  assert.deepEqual(manifest, await manifestOf("thresholds"));
  assert.equal(plans.classes, 3);

  const [file] = manifest.networks;
  const session = await openSession(join(folder, file!.file), { threads: 1, inputName: file!.input, outputName: file!.output });
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
  const { labels } = await predict({ grid, hu }, plans, session.infer, { stepSize: manifest.stepSize });
  await session.close();
  assert.deepEqual(
    labels,
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
  await writeFile(join(folder, "model.onnx"), (await readFile(onnx)).subarray(0, 100));
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /expected \d+ bytes, found 100/ });
});

test("plans and dataset are checked against their digests where the manifest gives them", async () => {
  const withDigests = (manifest: ModelManifest) => ({
    ...manifest,
    nnunet: { ...manifest.nnunet, plansSha256: digest(plansText), datasetSha256: digest(datasetText) },
  });
  const folder = await makeModel("digests", "thresholds", withDigests);
  await loadModel(folder);
  await writeFile(join(folder, "nnunet/plans.json"), plansText.replace("77.25", "77.75"));
  await assert.rejects(loadModel(folder), { code: "model-digest", message: /plans\.json/ });
});

test("labels that go by another name or number than in training are refused", async () => {
  const swapped = await makeModel("labels", "swapped", (manifest) => ({ ...manifest, labels: [organ(2, "liver"), organ(1, "spleen")] }));
  await assert.rejects(loadModel(swapped), {
    code: "model-labels",
    message: /names labels 1 spleen, 2 liver, dataset\.json has 1 liver, 2 spleen/,
  });
  const missing = await makeModel("labels", "missing", (manifest) => ({ ...manifest, labels: [organ(1, "liver")] }));
  await assert.rejects(loadModel(missing), { code: "model-labels" });
});

test("a manifest that is not valid is refused with the path of the fault", async () => {
  for (const [change, message] of [
    [(m: ModelManifest) => ({ ...m, schema: 2 }), /schema:/],
    [(m: ModelManifest) => ({ ...m, stepSize: 0 }), /stepSize:/],
    [(m: ModelManifest) => ({ ...m, networks: [] }), /networks:/],
    [
      (m: ModelManifest) => ({ ...m, networks: [{ ...m.networks[0], file: "../other/model.onnx" }] }),
      /networks\.0\.file: expected a path inside/,
    ],
    [(m: ModelManifest) => ({ ...m, networks: [{ ...m.networks[0], file: "/etc/passwd" }] }), /networks\.0\.file: expected a path inside/],
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
