/**
 * `npm run bench:job -- --data DIR --model NAME`: a whole segmentation of a CT of 350 x 350 x 400 mm (117 x 117 x 134 voxels at 3 mm), from the images on
 * the disk to the SEG on the disk, by the service's own children. `--rounds 3` for medians; `--precision int8` for a form that is barred; `--mode fast`; `--dims
 * 512,512,160` and `--spacing 0.684,0.684,2.5` for another CT. Models: segbox model import of test/make/total-checkpoints.py's networks.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installedModel } from "../../appliance/cli/model-activate.ts";
import { type Benchmark, measure } from "../../appliance/cli/model-bench.ts";
import { readSeries } from "../../appliance/cli/one-series.ts";
import { dataFolder } from "../../appliance/config/data-folder.ts";
import type { Ijk } from "../../appliance/volume/grid.ts";
import { writeBodyCt } from "./body-ct.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "reference" },
    rounds: { type: "string", default: "1" },
    precision: { type: "string" },
    mode: { type: "string" },
    dims: { type: "string", default: "512,512,160" },
    spacing: { type: "string", default: "0.684,0.684,2.5" },
  },
});
const triple = (list: string): Ijk => list.split(",").map(Number) as unknown as Ijk;
const folder = values.data === undefined ? undefined : dataFolder(values.data);
const model = await installedModel(values.model, folder?.models);
const work = await mkdtemp(join(tmpdir(), "segbox-bench-ct-"));
try {
  await writeBodyCt(work, triple(values.dims), triple(values.spacing));
  const series = await readSeries(work);
  const rounds: Benchmark[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const load = loadavg()[0]!.toFixed(1);
    const benchmark = await measure(
      {
        kind: "segment",
        files: series.files,
        modelFolder: model.folder,
        modelVersion: model.manifest.version,
        threads: availableParallelism(),
        ...(folder && { activationFile: folder.activation(values.model) }),
        ...(values.mode === "fast" && { mode: "fast" }),
        ...(values.precision !== undefined && { benchPrecision: values.precision as "int8" }),
      },
      series,
      model.manifest,
    );
    rounds.push(benchmark);
    const { patches, patchMs, jobMs, ratio, peakMemoryBytes, stepsMs } = benchmark;
    const steps = Object.entries(stepsMs).map(([step, ms]) => `${step} ${(ms / 1000).toFixed(2)}`);
    process.stdout.write(
      `round ${round + 1}, load ${load}: ${patches} patches of ${(patchMs / 1000).toFixed(2)} s, job ${(jobMs / 1000).toFixed(1)} s, ${ratio.toFixed(3)} x, ${Math.round(peakMemoryBytes / 1e6)} MB; ${steps.join(", ")}\n`,
    );
  }
  const median = (of: (benchmark: Benchmark) => number): number => rounds.map(of).sort((a, b) => a - b)[Math.floor(rounds.length / 2)]!;
  const { patches, provider, precision } = rounds[0]!;
  process.stdout.write(`
| CT | model | form | patches | patch, s | job, s | job / patches | memory, MB |
| --- | --- | --- | --- | --- | --- | --- | --- |
| ${values.dims} of ${values.spacing} mm | ${values.model} | ${precision} on ${provider} | ${patches} | ${(median(({ patchMs }) => patchMs) / 1000).toFixed(2)} | ${(median(({ jobMs }) => jobMs) / 1000).toFixed(1)} | ${median(({ ratio }) => ratio).toFixed(2)} | ${Math.round(median(({ peakMemoryBytes }) => peakMemoryBytes) / 1e6)} |

${cpus()[0]?.model.trim()}, ${cpus().length} cores; medians of ${rounds.length}
`);
} finally {
  await rm(work, { recursive: true, force: true });
}
