import { mkdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { inferenceModes, type ResultOutput, type Rule, resultOutputs } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import {
  type ChildProgress,
  childEntry,
  childStallMs,
  type EncodeReply,
  type EncodeRequest,
  type SegmentReply,
  type SegmentRequest,
} from "../pipeline/child-requests.ts";
import { outputForms } from "../pipeline/outputs.ts";
import { surfaceFiles } from "../pipeline/surfaces.ts";
import { type Arguments, type Command, optional, required, UsageError } from "./command.ts";
import { encodeRequest, readSeries } from "./one-series.ts";
import { outputSettingsHelp, outputSettingsIn, outputSettingsOptions } from "./output-settings.ts";
import { structureTable } from "./structure-table.ts";

const defaultOutputs = "seg,rtstruct";
const outputFiles = [...resultOutputs.map((output) => outputForms[output].file), "labels.nii.gz", "statistics.json", ...surfaceFiles];

export const segment: Command = {
  words: ["segment"],
  summary: "segment a folder of DICOM files, without network",
  help: `
segbox segment --input DIR --output DIR [--model NAME] [--outputs LIST] [--labels LIST [--crop-by NAME]] [--mode MODE] [--surfaces FORM]

Runs the service's own pipeline on one CT series in a folder (subfolders included) and writes seg.dcm, rtstruct.dcm, labels.nii.gz and
statistics.json.
Files that are not DICOM are named and left out; more than one series is refused.

  --input DIR     the series
  --output DIR    where the results go; made when absent
  --model NAME    which model; default reference
  --outputs LIST  which DICOM objects, of ${resultOutputs.join(", ")}; default ${defaultOutputs}
  --labels LIST   names of the structures to draw; networks that have none of them are not run; default all
  --mode MODE     exact: every patch where the model's makers put it; fast: as few as cover the body; default exact
  --crop-by NAME  an installed model that finds those structures roughly first, as TotalSegmentator does for a choice of organs; the rest of the CT,
                  but for 20 mm around them, is not looked at
${outputSettingsHelp}  --data DIR      a service's data folder, for the models imported and activated there
`,
  options: {
    input: { type: "string" },
    output: { type: "string" },
    model: { type: "string" },
    outputs: { type: "string" },
    labels: { type: "string" },
    "crop-by": { type: "string" },
    mode: { type: "string" },
    ...outputSettingsOptions,
    data: { type: "string" },
  },
  positionals: 0,
  async run(args) {
    const input = required(args, "input");
    const output = required(args, "output");
    const name = optional(args, "model") ?? "reference";
    const outputs = outputsIn(optional(args, "outputs") ?? defaultOutputs);
    const settings = outputSettingsIn(args);
    const data = optional(args, "data");
    const labels = optional(args, "labels")
      ?.split(",")
      .map((label) => label.trim());
    const cropBy = optional(args, "crop-by");
    const mode = modeIn(args);
    if (cropBy !== undefined && !labels) throw new UsageError("--crop-by needs --labels: what it is to crop to");
    const { models } = await usableModels([shippedModels, ...(data === undefined ? [] : [join(data, "models")])]);
    const model = models.get(name);
    if (!model) throw new RefusedError("model-missing", `there is no model ${name}; installed: ${[...models.keys()].join(", ") || "none"}`);
    const series = await readSeries(input);
    for (const file of outputFiles) await rm(join(output, file), { force: true }); // nothing of an earlier run may pass for this one's
    const createdAt = systemClock.now();
    const work = join(output, ".segbox-work");
    await mkdir(work, { recursive: true });
    try {
      const common = { files: series.files, modelFolder: model.folder, modelVersion: model.manifest.version, outputFolder: work };
      const { structures, record } = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
        childEntry,
        {
          kind: "segment",
          ...common,
          threads: availableParallelism(),
          ...(data !== undefined && { activationFile: dataFolder(data).activation(name) }),
          ...(labels && { labels }),
          ...(mode && { mode }),
          ...(cropBy !== undefined && { cropBy }),
        },
        { stallMs: childStallMs, onProgress: (share) => process.stderr.write(`\rinference ${Math.round(share * 100)} %`) },
      );
      process.stderr.write("\n");
      const { written, failed } = await askChild<EncodeRequest, never, EncodeReply>(
        childEntry,
        encodeRequest({ ...common, structures, record, outputs, settings, createdAt }, model.manifest, series),
        { stallMs: childStallMs },
      );
      for (const file of outputFiles) await rename(join(work, file), join(output, file)).catch(ignoreMissing);
      const left = outputs
        .filter((output) => !written.includes(output) && !failed.some((each) => each.output === output))
        .map((output) => outputForms[output].title);
      if (left.length > 0) process.stderr.write(`segbox: the model found none of its structures; not written: ${left.join(", ")}\n`);
      process.stdout.write(structureTable(model.manifest, structures));
      for (const { what, reason, stack } of failed)
        process.stderr.write(`segbox: ${what} could not be written: ${stack ?? reason.message}\n`);
      for (const note of record.notes) process.stderr.write(`segbox: note: ${note}\n`);
      process.stdout.write(
        `${record.patches} patches, ${(record.wallMs / 1000).toFixed(1)} s, peak memory ${Math.round(record.peakMemoryBytes / 1e6)} MB, ${record.provider} ${record.precision}\n`,
      );
      return failed.length > 0 ? 1 : 0;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** --mode, where it was given. */
export function modeIn(args: Arguments): Rule["mode"] {
  const name = optional(args, "mode");
  const mode = inferenceModes.find((each) => each === name);
  if (name !== undefined && !mode) throw new UsageError(`--mode: expected ${inferenceModes.join(" or ")}, found ${JSON.stringify(name)}`);
  return mode;
}

function outputsIn(list: string): ResultOutput[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !resultOutputs.some((output) => output === name));
  if (unknown !== undefined) throw new UsageError(`--outputs: expected ${resultOutputs.join(", ")}, found ${JSON.stringify(unknown)}`);
  return resultOutputs.filter((output) => names.includes(output));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error; // an object that was not asked for, or where nothing was found
}
