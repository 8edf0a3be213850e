import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import { type InstanceHeader, readInstanceHeader } from "../dicom/instance-header.ts";
import { newUid } from "../dicom/uids.ts";
import { resultOutputs } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { machineSerialNumber } from "../host/serial-number.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
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
  type SourceFile,
} from "../pipeline/child-requests.ts";
import { type Command, optional, required } from "./command.ts";
import { structureTable } from "./structure-table.ts";

const outputFiles = ["seg.dcm", "rtstruct.dcm", "labels.nii.gz", "statistics.json"];

export const segment: Command = {
  words: ["segment"],
  summary: "segment a folder of DICOM files, without network",
  help: `
segbox segment --input DIR --output DIR [--model NAME]

Runs the service's own pipeline on one CT series in a folder (subfolders included) and writes ${outputFiles.join(", ")}.
Files that are not DICOM are named and left out; more than one series is refused.

  --input DIR   the series
  --output DIR  where the results go; made when absent
  --model NAME  which model; default reference
  --data DIR    a service's data folder, for the models imported there
`,
  options: { input: { type: "string" }, output: { type: "string" }, model: { type: "string" }, data: { type: "string" } },
  positionals: 0,
  async run(args) {
    const input = required(args, "input");
    const output = required(args, "output");
    const name = optional(args, "model") ?? "reference";
    const data = optional(args, "data");
    const { models } = await usableModels([shippedModels, ...(data === undefined ? [] : [join(data, "models")])]);
    const model = models.get(name);
    if (!model) throw new RefusedError("model-missing", `there is no model ${name}; installed: ${[...models.keys()].join(", ") || "none"}`);
    const files = await readSeries(input);
    for (const file of outputFiles) await rm(join(output, file), { force: true }); // nothing of an earlier run may pass for this one's
    const work = join(output, ".segbox-work");
    await mkdir(work, { recursive: true });
    try {
      const common = { files, modelFolder: model.folder, modelVersion: model.manifest.version, outputFolder: work };
      const { structures, record } = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
        childEntry,
        { kind: "segment", ...common, threads: availableParallelism() },
        { stallMs: childStallMs, onProgress: (share) => process.stderr.write(`\rinference ${Math.round(share * 100)} %`) },
      );
      process.stderr.write("\n");
      const { written } = await askChild<EncodeRequest, never, EncodeReply>(
        childEntry,
        {
          kind: "encode",
          ...common,
          structures,
          outputs: resultOutputs,
          uids: {
            seg: { seriesInstanceUid: newUid(), sopInstanceUid: newUid() },
            rtstruct: { seriesInstanceUid: newUid(), sopInstanceUid: newUid() },
          },
          device: {
            manufacturer: "Segbox",
            modelName: "Segbox",
            deviceSerialNumber: machineSerialNumber(),
            softwareVersions: [readSoftwareVersion()],
            stationName: "",
          },
          createdAt: systemClock.now(),
        },
        { stallMs: childStallMs },
      );
      for (const file of outputFiles) await rename(join(work, file), join(output, file)).catch(ignoreMissing);
      if (written.length === 0)
        process.stderr.write("segbox: the model found none of its structures; no SEG and no RTSTRUCT were written\n");
      process.stdout.write(structureTable(model.manifest, structures));
      for (const note of record.notes) process.stderr.write(`segbox: note: ${note}\n`);
      process.stdout.write(
        `${record.patches} patches, ${(record.wallMs / 1000).toFixed(1)} s, peak memory ${Math.round(record.peakMemoryBytes / 1e6)} MB, ${record.provider} ${record.precision}\n`,
      );
      return 0;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** The files of the one series in a folder. */
async function readSeries(folder: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new RefusedError("input-unreadable", `can't read ${folder}: ${messageOf(error)}`, { cause: error });
  });
  const found: { path: string; header: InstanceHeader }[] = [];
  let firstRefusal = "";
  for (const entry of entries.filter((each) => each.isFile()).sort((a, b) => a.name.localeCompare(b.name))) {
    const path = join(entry.parentPath, entry.name);
    try {
      found.push({ path, header: readInstanceHeader(await readFile(path)) });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      firstRefusal ||= `${entry.name}: ${error.message}`;
      process.stderr.write(`segbox: left out ${entry.name}: ${error.message}\n`);
    }
  }
  if (found.length === 0) throw new RefusedError("input-empty", `no DICOM image in ${folder}${firstRefusal && ` (${firstRefusal})`}`);
  const series = new Set(found.map(({ header }) => header.seriesInstanceUid));
  if (series.size > 1)
    throw new RefusedError("input-several-series", `expected one series in ${folder}, found ${series.size}; give each a folder of its own`);
  return found.map(({ path, header }) => ({ sopInstanceUid: header.sopInstanceUid, path }));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error; // seg.dcm and rtstruct.dcm are absent when nothing was found
}
