/**
 * `npm run bench:memory -- --data DIR --model NAME`: the memory of a segmentation of a large CT, 512 x 512 x 824 voxels of 0.8 x 0.8 x 1 mm, from its
 * images to the measured label map. Memory is real; time is not: of each network only `--computed 2` patches are computed, and the others are given
 * the answer of one before them. `--precision int8` for a form that is barred from results; `--mode fast`.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installedModel } from "../../appliance/cli/model-activate.ts";
import { dataFolder } from "../../appliance/config/data-folder.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import { mayHaveArena } from "../../appliance/domain/activation.ts";
import { startThreads } from "../../appliance/inference/compute-threads.ts";
import { type LoadedPart, readModel } from "../../appliance/inference/models.ts";
import { openNetwork, valuesOf } from "../../appliance/inference/network.ts";
import type { PatchOutput } from "../../appliance/nnunet/infer.ts";
import { type OpenNetwork, type Part, predict } from "../../appliance/nnunet/predict.ts";
import type { Ijk } from "../../appliance/volume/grid.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import { straighten } from "../../appliance/volume/restack.ts";
import { writeBodyCt } from "./body-ct.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "reference" },
    precision: { type: "string", default: "fp32" },
    mode: { type: "string", default: "exact" },
    dims: { type: "string", default: "512,512,824" },
    spacing: { type: "string", default: "0.8,0.8,1" },
    computed: { type: "string", default: "2" },
    images: { type: "string" },
  },
});
const triple = (list: string): Ijk => list.split(",").map(Number) as unknown as Ijk;
const { folder, manifest } = await installedModel(values.model, values.data === undefined ? undefined : dataFolder(values.data).models);
const { parts } = await readModel(folder);
const peak = (stage: string): void => {
  process.stdout.write(`${stage}: ${Math.round(process.resourceUsage().maxRSS / 1000)} MB at most so far\n`);
};
const threads = availableParallelism();

function partOf(loaded: LoadedPart): Part {
  const { part, plans } = loaded;
  const network = part.networks.find(({ engine, precision }) => engine === "onnx" && precision === values.precision);
  if (!network) throw new Error(`part ${part.name} has no ${values.precision} form`);
  const open = async () => {
    const opened = await openNetwork(folder, network, plans, { threads, arena: mayHaveArena(network) });
    peak(`${part.name} opened`);
    return sparing(opened);
  };
  return { plans, values: valuesOf(loaded, manifest.labels), open };
}

/** A network that computes its first patches only, and then gives their answers again. */
function sparing(network: OpenNetwork): OpenNetwork {
  const answers: PatchOutput[] = [];
  let asked = 0;
  return {
    ...network,
    async infer(patch, shapeZyx) {
      const turn = asked++;
      if (turn >= Number(values.computed)) return answers[turn % answers.length]!;
      const answer = await network.infer(patch, shapeZyx);
      if (!answers.includes(answer)) answers.push(answer);
      return answer;
    },
  };
}

const images = values.images ?? (await mkdtemp(join(tmpdir(), "segbox-bench-ct-")));
const output = await mkdtemp(join(tmpdir(), "segbox-bench-out-"));
try {
  if ((await readdir(images)).length === 0) await writeBodyCt(images, triple(values.dims), triple(values.spacing));
  const files = (await readdir(images)).sort().map((name) => ({ sopInstanceUid: name, load: () => readFile(join(images, name)) }));
  peak("started");
  const { volume } = await seriesToVolume(files);
  peak("images read");
  await using compute = startThreads(threads);
  const straight = straighten(volume);
  const { labelMap, patches, patchesOfAir } = await predict(straight.volume, parts.map(partOf), {
    stepSize: manifest.stepSize,
    mirrorAxes: manifest.mirrorAxes,
    mode: values.mode === "fast" ? "fast" : "exact",
    compute,
    onStage: peak,
  });
  const labels = straight.toSlices(labelMap);
  const measured = measureLabels(volume, labels).length;
  await writeFile(join(output, "labels.u8"), labels.labels);
  peak("measured and written");
  process.stdout.write(
    `${values.model} ${values.precision}, ${values.mode}: ${volume.grid.dims.join(" x ")} voxels, ${patches} patches, ${patchesOfAir} of air, ${measured} structures\n`,
  );
} finally {
  if (values.images === undefined) await rm(images, { recursive: true, force: true });
  await rm(output, { recursive: true, force: true });
}
process.exit();
