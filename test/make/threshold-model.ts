import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelManifest, ModelPart } from "../../appliance/domain/model.ts";
import { newPlans, smallDataset } from "../reference/plans.ts";

/** Two classes by thresholds on normalised values: liver from 1, spleen from 3 (test/make/networks.py). */
export const thresholdNetwork = new URL("../data/onnx/threshold.onnx", import.meta.url);
export const digest = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const organ = (value: number, name: string) => ({
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

export async function thresholdManifest(name: string): Promise<ModelManifest> {
  const bytes = await readFile(thresholdNetwork);
  return {
    schema: 2,
    name,
    version: "1.0.0",
    title: "Thresholds",
    intendedUse: "tests",
    notFor: "diagnosis",
    licence: "Apache-2.0",
    algorithm: { name: "thresholds", version: "1.0.0" },
    trainingData: [],
    parts: [
      {
        name: "main",
        nnunet: { plans: "nnunet/plans.json", dataset: "nnunet/dataset.json", configuration: "3d_fullres" },
        networks: [
          {
            file: "model.onnx",
            sha256: digest(bytes),
            sizeBytes: bytes.length,
            precision: "fp32",
            engine: "onnx",
            input: "input",
            output: "logits",
          },
        ],
      },
    ],
    crop: null,
    stepSize: 0.5,
    mirrorAxes: [],
    postprocessing: { removeSmallBlobsMm3: null, keepLargest: [] },
    labels: [organ(1, "liver"), organ(2, "spleen")],
  };
}

export const plansText = JSON.stringify(newPlans());
export const datasetText = JSON.stringify({ ...smallDataset(), labels: { background: 0, liver: 1, spleen: 2 } });

/** A manifest whose only part is changed. */
export const withPart = (manifest: ModelManifest, change: (part: ModelPart) => unknown) => ({
  ...manifest,
  parts: manifest.parts.map(change),
});
/** A manifest whose only network is changed. */
export const withNetwork = (manifest: ModelManifest, change: Record<string, unknown>) =>
  withPart(manifest, (part) => ({ ...part, networks: [{ ...part.networks[0], ...change }] }));

/** A whole model folder below `parent`, its manifest changed as asked. */
export async function makeThresholdModel(
  parent: string,
  name: string,
  change: (manifest: ModelManifest) => unknown = (manifest) => manifest,
): Promise<string> {
  const folder = join(parent, name);
  await mkdir(join(folder, "nnunet"), { recursive: true });
  await copyFile(thresholdNetwork, join(folder, "model.onnx"));
  await writeFile(join(folder, "nnunet/plans.json"), plansText);
  await writeFile(join(folder, "nnunet/dataset.json"), datasetText);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(change(await thresholdManifest(name))));
  return folder;
}
