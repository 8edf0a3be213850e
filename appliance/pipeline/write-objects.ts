import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import { readSourceSeries } from "../dicom/series-to-volume.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { ResultOutput } from "../domain/rule.ts";
import { writeDurably } from "../store/objects.ts";
import { encodeNifti } from "../volume/nifti.ts";
import type { LabelMap } from "../volume/volume.ts";
import { lazily, loadVersion } from "./child-inputs.ts";
import type { EncodeReply, EncodeRequest, Failure } from "./child-requests.ts";
import { encodeObject } from "./encode-object.ts";
import { outputForms, outputsToWrite } from "./outputs.ts";
import { statisticsOf } from "./statistics.ts";
import { writeSurfaces } from "./surfaces.ts";
import { modelFile } from "./write-report.ts";

/** Writes the objects that the rule wants, and files for download. What can't be written leaves the others as they are. */
export async function writeObjects(request: EncodeRequest): Promise<EncodeReply> {
  const { manifest } = await loadVersion(request);
  const source = await readSourceSeries(request.files.map(lazily));
  await writeDurably(join(request.outputFolder, modelFile), [Buffer.from(JSON.stringify(manifest))]);
  const labelMap: LabelMap = { grid: source.grid, labels: await readFile(join(request.outputFolder, "labels.u8")) };
  const wanted = outputsToWrite(request.outputs, request.structures.length === 0, request.emptySeg);
  const written: ResultOutput[] = [];
  const failed: Failure[] = [];
  // In the order of the kinds: a report points at a segmentation only where that was written before it.
  for (const output of wanted)
    try {
      const pieces = await encodeObject(output, { request, source, labelMap, manifest, written });
      await writeDurably(join(request.outputFolder, outputForms[output].file), pieces);
      written.push(output);
    } catch (error) {
      failed.push({ what: outputForms[output].title, output, ...whyNotWritten(error) });
      if (failed.length === wanted.length) throw error;
    }
  for (const [file, write] of downloads(request, labelMap, manifest))
    await write().catch((error: unknown) => failed.push({ what: file, output: null, ...whyNotWritten(error) }));
  return { written, failed };
}

/** What is written beside the objects. */
function downloads(
  { outputFolder, structures, settings }: EncodeRequest,
  labelMap: LabelMap,
  manifest: ModelManifest,
): readonly (readonly [file: string, write: () => Promise<void>])[] {
  const nifti = async () =>
    writeDurably(join(outputFolder, "labels.nii.gz"), [await promisify(gzip)(encodeNifti(labelMap, manifest.labels), { level: 4 })]);
  const statistics = async () =>
    writeDurably(join(outputFolder, "statistics.json"), [Buffer.from(JSON.stringify(statisticsOf(manifest, structures), null, 2))]);
  return [
    ["labels.nii.gz", nifti],
    ["statistics.json", statistics],
    ["surfaces", () => writeSurfaces(settings.surfaces, outputFolder, labelMap, manifest)],
  ];
}

/** Why something could not be written, as it is shown; of a fault of ours the stack goes along, for the log. A full disk is thrown: all is tried again. */
function whyNotWritten(error: unknown): Pick<Failure, "reason" | "stack"> {
  if (error instanceof UnavailableError) throw error;
  if (error instanceof RefusedError) return { reason: { code: error.code, message: error.message }, stack: null };
  const stack = (error instanceof Error && error.stack) || messageOf(error);
  return { reason: { code: "fault", message: "a fault in this program; its log tells more" }, stack };
}
