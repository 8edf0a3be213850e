import { availableParallelism } from "node:os";
import { join } from "node:path";
import { activate, partsWithoutForm } from "../../models/activate/activate.ts";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { Trial } from "../domain/activation.ts";
import { usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import { auditFirst } from "./audit-first.ts";
import { type Command, optional, required, UsageError } from "./command.ts";
import { readSeries } from "./one-series.ts";

/** The CT that comes with the program. */
export const exampleInput = join(import.meta.dirname, "../../test/data/example-ct");

export const modelActivate: Command = {
  words: ["model", "activate"],
  summary: "try a model's networks on this machine and keep what is best",
  help: `
segbox model activate NAME --data DIR [--input DIR]

Tries every form of the model's networks (fp32, fp16, INT8) with everything that can compute here (TensorRT, CUDA, WebGPU, the processor): whether it
runs and is really computed there, which settings are fastest, and whether its labels are those of fp32 on the processor. What passed is used from
now on, in this order; what did not is never used. Takes as long as a few segmentations. To be repeated when the machine or the program changes.

  --data DIR   the service's data folder; the service may be running
  --input DIR  a CT series to try with, which should show the model's structures and, for INT8, fill half of the network's patch along every axis;
               default: the example that comes with the program, 20 slices of an abdomen, which is too thin for that
`,
  options: { data: { type: "string" }, input: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: an installed model");
    const folder = dataFolder(required(args, "data"));
    const model = await installedModel(name, folder.models);
    const { files } = await readSeries(optional(args, "input") ?? exampleInput);
    await auditFirst(folder, {
      action: "model-activation-begun",
      object: `model:${name}`,
      detail: { version: model.manifest.version },
    });
    const activation = await activate({
      modelFolder: model.folder,
      images: files.map(({ path }) => path),
      activationFile: folder.activation(name),
      cores: availableParallelism(),
      now: systemClock.now(),
      onTrial({ network, provider }, outcome) {
        if (!outcome) process.stderr.write(`segbox: trying ${network.file} on ${provider} ...\n`);
        else process.stdout.write(`${lineOf(outcome)}\n`);
      },
    });
    const without = partsWithoutForm(model.manifest.parts, activation);
    process.stdout.write(
      without.length === 0
        ? `${name} is activated on ${activation.machine}\n`
        : `no form of ${without.join(", ")} may be run here; ${name} is not usable on this machine\n`,
    );
    return without.length === 0 ? 0 : 1;
  },
};

export async function installedModel(name: string, dataModels: string | undefined) {
  const { models } = await usableModels([shippedModels, ...(dataModels === undefined ? [] : [dataModels])]);
  const model = models.get(name);
  if (!model) throw new RefusedError("model-missing", `there is no model ${name}; installed: ${[...models.keys()].join(", ") || "none"}`);
  return model;
}

function lineOf({ part, file, precision, provider, outcome, detail, measured }: Trial): string {
  const figures = measured
    ? `; ${measured.patchMs} ms a patch, ${measured.threads} threads, ${measured.arena ? "with" : "without"} arena, ${Math.round(measured.peakMemoryBytes / 1e6)} MB`
    : "";
  return `${part} ${precision} (${file}) on ${provider}: ${outcome}: ${detail}${figures}`;
}
