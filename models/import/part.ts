import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RefusedError } from "../../appliance/base/errors.ts";
import type { ModelFile, ModelPart } from "../../appliance/domain/model.ts";
import { type Plans, parsePlans } from "../../appliance/nnunet/plans.ts";
import type { CataloguePart } from "../catalogue/catalogue.ts";
import { withHeadOff } from "../network/head-off.ts";
import { fp32Graph } from "../network/u-net.ts";
import { writeOnnxFile } from "../onnx/write.ts";
import { Checkpoint } from "./checkpoint.ts";
import { checkpointName, readNnunetJson, type Trained } from "./trained.ts";
import { readWeights } from "./weights.ts";

/** A network as it was written into the model's folder. */
export type ImportedPart = {
  readonly part: ModelPart;
  readonly plans: Plans;
  readonly mirrorAxes: readonly number[];
  readonly checkpointSha256: string;
  /** Training cases as dataset.json says. */
  readonly cases: number | null;
  /** Labels that dataset.json calls otherwise than the catalogue, as `found -> known`. */
  readonly renamed: readonly string[];
};

/**
 * Writes one trained network into a model's folder: NAME/plans.json, NAME/dataset.json, NAME/fp32.onnx, and its head beside it
 * where that is larger than what goes into it. Everything is checked before: plans
 * that can be run, a checkpoint that is theirs.
 *
 * @param known what the catalogue says of this network: its labels count by number, as upstream reads them
 * @param isResampledByPlans whether nnU-Net itself brings the CT to the network's spacing, as the plans say, and not TotalSegmentator before it
 */
export async function importPart(
  trained: Trained,
  fold: string,
  {
    target,
    name,
    known,
    isResampledByPlans,
  }: {
    readonly target: string;
    readonly name: string;
    readonly known?: CataloguePart | undefined;
    readonly isResampledByPlans: boolean;
  },
): Promise<ImportedPart> {
  const plansFile = await readNnunetJson(join(trained.folder, "plans.json"));
  const datasetFile = await readNnunetJson(join(trained.folder, "dataset.json"));
  const { dataset, renamed } = known ? withKnownLabels(datasetFile.value, known) : { dataset: datasetFile.value, renamed: [] };
  const plans = parsePlans(plansFile.value, dataset, trained.configuration);

  const path = join(trained.folder, `fold_${fold}`, checkpointName);
  await using checkpoint = await Checkpoint.open(path);
  if (checkpoint.configuration !== null && checkpoint.configuration !== trained.configuration)
    throw new RefusedError(
      "checkpoint-other",
      `${basename(trained.folder)}: the checkpoint was trained as ${checkpoint.configuration}, its folder says ${trained.configuration}`,
    );
  const weights = await readWeights(checkpoint, plans.network, plans.classes);
  const checkpointSha256 = await sha256Of(path);

  await mkdir(join(target, name), { recursive: true });
  const onnx = join(target, name, "fp32.onnx");
  const metadata = { "segbox.dataset": plans.datasetName, "segbox.checkpoint.sha256": checkpointSha256 };
  const whole = fp32Graph(plans.network, plans.classes, weights, metadata);
  const headOff = withHeadOff(whole, plans.network, plans.classes);
  const [graph, ...beside] = await writeOnnxFile(onnx, headOff?.model ?? whole);
  const inFolder = <T extends { readonly file: string }>(file: T): T => ({ ...file, file: `${name}/${file.file}` });
  const datasetBytes = renamed.length > 0 ? Buffer.from(`${JSON.stringify(dataset, null, 2)}\n`) : datasetFile.bytes;
  return {
    part: {
      name,
      nnunet: {
        plans: `${name}/plans.json`,
        dataset: `${name}/dataset.json`,
        configuration: trained.configuration,
        ...(isResampledByPlans && { zoomOrder: zoomOrderOf(plans) }),
        plansSha256: await write(join(target, name, "plans.json"), plansFile.bytes),
        datasetSha256: await write(join(target, name, "dataset.json"), datasetBytes),
      },
      ...(known && known.auxiliary.length > 0 && { auxiliary: known.auxiliary }),
      networks: [
        {
          ...inFolder(graph!),
          precision: "fp32",
          engine: "onnx",
          input: "input",
          output: headOff?.output ?? "logits",
          ...(headOff && {
            features: {
              channels: headOff.channels,
              layout: "ncdhw",
              type: "float32",
              head: inFolder(await writeHead(join(target, name, "head.f32"), headOff.head)),
            },
          }),
          ...(beside.length > 0 && { externalData: beside.map(inFolder) }),
        },
      ],
    },
    plans,
    mirrorAxes: checkpoint.mirrorAxes,
    checkpointSha256,
    cases: casesOf(dataset),
    renamed,
  };
}

/** Linear only where the plans' function is another one (torch's is linear) or its order is 1. */
function zoomOrderOf({ resampling: { image, order } }: Plans): 1 | 3 {
  return (image === null || image.startsWith("resample_data_or_seg_to")) && order > 1 ? 3 : 1;
}

/** dataset.json with the catalogue's names. A name that the catalogue has for another number is refused: then it is another network. */
function withKnownLabels(dataset: unknown, known: CataloguePart): { readonly dataset: unknown; readonly renamed: readonly string[] } {
  const given = (dataset as { labels?: Readonly<Record<string, unknown>> } | null)?.labels;
  const own = Object.entries(given ?? {}).filter(([name]) => name !== "background");
  if (own.length !== known.labels.length)
    throw new RefusedError("labels-other", `${known.folder}: expected ${known.labels.length} labels, dataset.json has ${own.length}`);
  const labels: Record<string, number> = { background: 0 };
  const renamed: string[] = [];
  for (const [index, name] of known.labels.entries()) {
    const found = own.find(([, value]) => value === index + 1)?.[0];
    if (found === undefined || (found !== name && known.labels.includes(found)))
      throw new RefusedError(
        "labels-other",
        `${known.folder}: expected label ${index + 1} to be ${name}, dataset.json has ${found ?? "none"}: not the network that the catalogue knows`,
      );
    if (found !== name) renamed.push(`${found} -> ${name}`);
    labels[name] = index + 1;
  }
  return renamed.length > 0 ? { dataset: { ...(dataset as object), labels }, renamed } : { dataset, renamed };
}

function casesOf(dataset: unknown): number | null {
  const cases = (dataset as { numTraining?: unknown }).numTraining;
  return typeof cases === "number" && Number.isSafeInteger(cases) && cases >= 0 ? cases : null;
}

/** float32, little-endian, as every machine that this runs on has it. */
async function writeHead(path: string, head: Float32Array): Promise<ModelFile> {
  const bytes = new Uint8Array(head.buffer, head.byteOffset, head.byteLength);
  return { file: basename(path), sha256: await write(path, bytes), sizeBytes: bytes.length };
}

async function write(path: string, bytes: Uint8Array): Promise<string> {
  await writeFile(path, bytes);
  return createHash("sha256").update(bytes).digest("hex");
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
