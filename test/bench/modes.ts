/**
 * `npm run bench:modes -- --model NAME --cts DIR`: how far fast mode's labels are from exact's, on whole CTs: Dice of every structure over 1 ml, its mean
 * and worst, and how many voxels of patches each computed. DIR holds NIfTI files, or folders of DICOM files.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { installedModel } from "../../appliance/cli/model-activate.ts";
import { dataFolder } from "../../appliance/config/data-folder.ts";
import { choicesOf } from "../../appliance/domain/activation.ts";
import { startThreads } from "../../appliance/inference/compute-threads.ts";
import { type LoadedPart, readModel } from "../../appliance/inference/models.ts";
import { openNetwork, valuesOf } from "../../appliance/inference/network.ts";
import { type Part, predict } from "../../appliance/nnunet/predict.ts";
import type { Mode } from "../../appliance/nnunet/windows.ts";
import { compareLabels } from "../../appliance/volume/compare.ts";
import { readCases } from "../../models/quantize/ct-cases.ts";
import { accuracyOf } from "../../models/quantize/judge.ts";

const { values } = parseArgs({
  options: { data: { type: "string" }, model: { type: "string", default: "reference" }, cts: { type: "string" } },
});
if (values.cts === undefined) throw new Error("--cts is required");
const { folder, manifest } = await installedModel(values.model, values.data === undefined ? undefined : dataFolder(values.data).models);
const { parts } = await readModel(folder);
const threads = availableParallelism();
await using compute = startThreads(threads);
let computedVoxels = 0;

function partOf(loaded: LoadedPart): Part {
  const { part, plans } = loaded;
  const open = async () => {
    const [choice] = choicesOf(part, null);
    const opened = await openNetwork(folder, choice!.network, plans, { threads, arena: choice!.arena });
    return {
      ...opened,
      infer(patch: Float32Array, shape: readonly [number, number, number]) {
        computedVoxels += patch.length;
        return opened.infer(patch, shape);
      },
    };
  };
  return { plans, values: valuesOf(loaded, manifest.labels), open };
}

const nameOf = (value: number): string => manifest.labels.find((label) => label.value === value)?.name ?? `label ${value}`;
const all = [];
for (const ct of await readCases(values.cts)) {
  const volume = await ct.load();
  const run = async (mode: Mode) => {
    computedVoxels = 0;
    const { labelMap, patches, patchesOfAir } = await predict(volume, parts.map(partOf), {
      stepSize: manifest.stepSize,
      mirrorAxes: manifest.mirrorAxes,
      mode,
      compute,
    });
    return { labels: labelMap.labels, patches, patchesOfAir, computedVoxels };
  };
  const [exact, fast] = [await run("exact"), await run("fast")];
  const agreement = compareLabels(volume.grid, exact.labels, fast.labels).labels;
  all.push(agreement);
  const { meanDice, worstDice, worstLabel } = accuracyOf([agreement], nameOf);
  process.stdout.write(
    `${ct.sha256.slice(0, 8)}: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel}); ${exact.patches} patches, fast ${fast.patches} and ${fast.patchesOfAir} of air, ${(fast.computedVoxels / exact.computedVoxels).toFixed(2)} of the voxels\n`,
  );
}
const { meanDice, worstDice, worstLabel, compared, labels } = accuracyOf(all, nameOf);
process.stdout.write(`\nall: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel}), ${compared} structures\n`);
for (const { name, cases, meanDice: mean, worstDice: worst } of labels)
  process.stdout.write(`${name}: ${cases} CTs, mean ${mean.toFixed(4)}, worst ${worst.toFixed(4)}\n`);
