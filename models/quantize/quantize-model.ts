import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import { type AccuracyRecord, accuracyLimits } from "../../appliance/domain/accuracy.ts";
import type { ModelManifest, ModelPart, NetworkFile } from "../../appliance/domain/model.ts";
import { accuracyFile, parseAccuracy } from "../../appliance/inference/accuracy-file.ts";
import { machineName } from "../../appliance/inference/activation-record.ts";
import { engineName } from "../../appliance/inference/engine.ts";
import { filesOf, loadModel } from "../../appliance/inference/models.ts";
import { writeDurably } from "../../appliance/store/objects.ts";
import { withAccuracySection } from "./accuracy-card.ts";
import { type CtCase, refuseOverlap } from "./ct-cases.ts";
import { type QuantisedPart, quantizePart } from "./quantize-part.ts";

export type QuantizeOptions = {
  readonly modelFolder: string;
  /** CTs whose values the ranges are chosen for. May be empty for bench-only. */
  readonly calibrate: readonly CtCase[];
  /** CTs that the result is judged by; none of those to calibrate with. */
  readonly holdout: readonly CtCase[];
  /** Patches to calibrate with, over all CTs. */
  readonly patches: number;
  readonly threads: number;
  /** For networks of random weights: makes the INT8 forms without judging them, barred from ever making a result. */
  readonly benchOnly: boolean;
  /** Also write the graphs that TensorRT builds engines from. */
  readonly tensorrt: boolean;
  readonly now: number;
  readonly onProgress: (line: string) => void;
};

/**
 * Quantises every part of a model in its folder: INT8 files beside the fp32 ones, accuracy.json, a section of card.md, and the manifest, in
 * this order, so that the manifest never names what is not there. A part that passes has its INT8 form first; one that does not keeps it
 * barred, with the reason.
 */
export async function quantizeModel(options: QuantizeOptions): Promise<AccuracyRecord> {
  const { modelFolder, calibrate, holdout, benchOnly } = options;
  const { manifest, parts } = await loadModel(modelFolder);
  refuseOverlap(calibrate, holdout);
  if (!benchOnly && calibrate.length === 0) throw new RefusedError("cts-missing", "there is no CT to calibrate with");
  if (!benchOnly && holdout.length === 0)
    throw new RefusedError("cts-missing", "there is no CT to judge by: give some with --holdout that are not among those of --calibrate");
  const heldOut = holdout.map((ct) => ({ ct, found: new Map<string, Uint8Array>() }));
  const work = await mkdtemp(join(modelFolder, ".quantize-"));
  try {
    const quantised: QuantisedPart[] = [];
    for (const loaded of parts) {
      const { stepSize, mirrorAxes } = manifest;
      quantised.push(await quantizePart(loaded, { ...options, work, stepSize, mirrorAxes, heldOut }));
    }
    const passes = quantised.every((each) => each.passes);
    const record: AccuracyRecord = {
      schema: 1,
      model: manifest.name,
      version: manifest.version,
      at: options.now,
      engine: engineName,
      machine: machineName(),
      outcome: benchOnly ? "bench-only" : passes ? "passed" : "kept-fp32",
      reason: quantised.map(({ accuracy, reason }) => (quantised.length > 1 ? `${accuracy.part}: ${reason}` : reason)).join("; "),
      limits: accuracyLimits,
      calibration: { patches: quantised.reduce((sum, { patches }) => sum + patches, 0), cts: calibrate.map(({ sha256 }) => sha256) },
      holdout: { cts: holdout.map(({ sha256 }) => sha256) },
      parts: quantised.map(({ accuracy }) => accuracy),
    };
    const text = `${JSON.stringify(record, null, 1)}\n`;
    parseAccuracy(text, accuracyFile); // what can't be read back is not written
    for (const { network, tensorrt } of quantised)
      for (const { file } of [network, ...(tensorrt ? [tensorrt] : [])].flatMap(filesOf))
        await rename(join(work, file), join(modelFolder, file));
    await writeDurably(join(modelFolder, accuracyFile), [Buffer.from(text)]);
    const card = await readFile(join(modelFolder, "card.md"), "utf8").catch(ifMissing(`# ${manifest.title}\n`));
    await writeDurably(join(modelFolder, "card.md"), [Buffer.from(withAccuracySection(card, record))]);
    const changed: ModelManifest = { ...manifest, parts: manifest.parts.map((part, n) => withForm(part, quantised[n]!)) };
    await writeDurably(join(modelFolder, "manifest.json"), [Buffer.from(`${JSON.stringify(changed, null, 2)}\n`)]);
    await loadModel(modelFolder);
    return record;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The INT8 form first where it may be used, last and barred where not; earlier ones go. */
function withForm(part: ModelPart, { network, tensorrt, passes, reason }: QuantisedPart): ModelPart {
  const others = part.networks.filter(({ file, precision, engine }) => file !== network.file && precision !== "int8" && engine === "onnx");
  const form: NetworkFile = passes ? network : { ...network, barred: reason };
  const forGpu = tensorrt ? [tensorrt] : [];
  return { ...part, networks: passes ? [form, ...others, ...forGpu] : [...others, form, ...forGpu] };
}

const ifMissing =
  (otherwise: string) =>
  (error: NodeJS.ErrnoException): string => {
    if (error.code !== "ENOENT") throw error;
    return otherwise;
  };
