import { availableParallelism } from "node:os";
import { join } from "node:path";
import { readCases, refuseOverlap } from "../../models/quantize/ct-cases.ts";
import { quantizeModel } from "../../models/quantize/quantize-model.ts";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { shippedModels } from "../main.ts";
import { auditFirst } from "./audit-first.ts";
import { type Command, optional, UsageError } from "./command.ts";
import { installedModel } from "./model-activate.ts";

export const modelQuantize: Command = {
  words: ["model", "quantize"],
  summary: "make the INT8 form of a model, and prove or drop it",
  help: `
segbox model quantize NAME --calibrate DIR --holdout DIR --data DIR

Makes the INT8 form of every network of an installed model, for this kind of processor, from the CTs of one folder, and judges it on whole CTs of another:
its labels against those of fp32, mean Dice at least 0.99 and every structure over 1 ml at least 0.97. While that is missed, layers go back to fp32, those
first that do most to the logits for their share of the work, up to three quarters of the work; where it is missed to the end, the model stays fp32. What
came out is in the model's accuracy.json and card.md. Takes minutes to hours. Says on standard error which CT it is at, in which form, and Dice so far.

  --calibrate DIR     CTs that the number ranges are chosen for: NIfTI files, or folders of DICOM files, one series each
  --holdout DIR       other CTs to judge by; labels that a person drew, numbered as the model's, in NAME.labels.nii.gz beside NAME.nii.gz
  --data DIR          the service's data folder
  --model-folder DIR  a model folder instead of NAME and --data, for who makes a model
  --patches N         patches to calibrate with, over all CTs; default 24
  --tensorrt          also the graph that TensorRT builds an engine from, for a machine with an NVIDIA card
  --bench-only        judge nothing: the INT8 form is barred for good and serves to measure time, as with networks of random weights
`,
  options: {
    calibrate: { type: "string" },
    holdout: { type: "string" },
    data: { type: "string" },
    "model-folder": { type: "string" },
    patches: { type: "string" },
    tensorrt: { type: "boolean" },
    "bench-only": { type: "boolean" },
  },
  positionals: 1,
  async run(args) {
    const benchOnly = args.values["bench-only"] === true;
    const modelFolder = await folderOf(args.positionals[0], optional(args, "data"), optional(args, "model-folder"));
    const [from, by] = [optional(args, "calibrate"), optional(args, "holdout")];
    if (!benchOnly && (from === undefined || by === undefined)) throw new UsageError("--calibrate and --holdout are required");
    const patches = Number(optional(args, "patches") ?? 24);
    if (!(Number.isInteger(patches) && patches > 0)) throw new UsageError("--patches: expected a whole number above 0");
    if (benchOnly) process.stderr.write("segbox: BENCH ONLY: nothing is judged, and what comes out is barred from making results\n");
    const calibrate = from === undefined ? [] : await readCases(from);
    const holdout = by === undefined || benchOnly ? [] : await readCases(by);
    refuseOverlap(calibrate, holdout);
    const [name, data] = [args.positionals[0], optional(args, "data")];
    if (name !== undefined && data !== undefined)
      await auditFirst(dataFolder(data), { action: "model-quantization-begun", object: `model:${name}`, detail: {} });
    const record = await quantizeModel({
      modelFolder,
      calibrate,
      holdout,
      patches,
      threads: availableParallelism(),
      benchOnly,
      tensorrt: args.values.tensorrt === true,
      now: systemClock.now(),
      onProgress: (line) => process.stderr.write(`segbox: ${line}\n`),
    });
    const { outcome, reason } = record;
    const words = {
      passed: "INT8 is used from now on",
      "kept-fp32": "INT8 is barred; the model stays fp32",
      "bench-only": "INT8 is barred",
    };
    process.stdout.write(`${record.model}: ${words[outcome]}: ${reason}\n`);
    return outcome === "kept-fp32" ? 1 : 0;
  },
};

async function folderOf(name: string | undefined, data: string | undefined, folder: string | undefined): Promise<string> {
  if (folder !== undefined) {
    if (name !== undefined || data !== undefined) throw new UsageError("--model-folder stands instead of NAME and --data");
    return folder;
  }
  if (name === undefined || data === undefined) throw new UsageError("NAME and --data are required: an installed model and where it is");
  const model = await installedModel(name, dataFolder(data).models);
  if (model.folder === join(shippedModels, name))
    throw new RefusedError("model-shipped", `${name} comes with the program, with its INT8 form; quantise a model that was imported`);
  return model.folder;
}
