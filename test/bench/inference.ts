/**
 * `npm run bench:inference`: one patch of TotalSegmentator's 3 mm network (30.7 million parameters, 118 outputs, random weights) in PyTorch fp32, onnxruntime
 * fp32, and our INT8 graphs with the head and without. Forms take turns, each time in a process of its own that runs the patch twice and tells the
 * second; medians of wall clock and of processor time are printed, with what they are to each other. Needs 6 GB of free memory; judges nothing, as what the machine is
 * busy with beside it counts too. `-- --rounds 1` for a quick look; `-- --keep DIR` keeps the networks there, or finds them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openGraph } from "../../appliance/inference/graph-runner.ts";
import { readModel } from "../../appliance/inference/models.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import { readOnnxFile } from "../../models/onnx/read.ts";
import { encodeOnnx, writeOnnxFile } from "../../models/onnx/write.ts";
import { countTensors } from "../../models/quantize/calibrate.ts";
import { cpuGraph } from "../../models/quantize/cpu-graph.ts";
import { floatGraph } from "../../models/quantize/float-graph.ts";
import { layersOf } from "../../models/quantize/layers.ts";
import { chooseRanges } from "../../models/quantize/tensor-ranges.ts";
import { weightsOf } from "../../models/quantize/weights.ts";
import { randomNumbers } from "../make/random-u-net.ts";

const root = join(import.meta.dirname, "../..");
const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    keep: { type: "string" },
    measure: { type: "string" },
    patch: { type: "string" },
  },
});
const threads = Number(asked.threads);
type Times = { readonly wallMs: number; readonly cpuMs: number };

if (asked.measure !== undefined)
  process.stdout.write(JSON.stringify(await measure(asked.measure, asked.patch!.split(",").map(Number) as unknown as Zyx)));
else await compare();

function noise([depth, height, width]: Zyx): Float32Array {
  const next = randomNumbers(1);
  return Float32Array.from({ length: depth * height * width }, () => (next() - 0.5) * 4);
}

/** The second run of a patch in this process. */
async function measure(path: string, patch: Zyx): Promise<Times> {
  const graph = await openGraph(path, { threads });
  const input = noise(patch);
  await graph.run(input, [1, 1, ...patch]);
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  await graph.run(input, [1, 1, ...patch]);
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
}

async function compare(): Promise<void> {
  const work = asked.keep ?? mkdtempSync(join(tmpdir(), "segbox-bench-"));
  mkdirSync(work, { recursive: true });
  try {
    const { checkpoint, patch } = await prepare(work);
    const size = patch.join(",");
    const node = (file: string): Times =>
      run(process.execPath, [import.meta.filename, "--measure", join(work, file), "--patch", size, "--threads", String(threads)]);
    const forms: readonly [string, () => Times][] = [
      [
        "PyTorch fp32",
        () =>
          run("/usr/bin/python3", ["-B", join(import.meta.dirname, "torch_patch.py"), checkpoint, String(threads), ...patch.map(String)]),
      ],
      ["onnxruntime fp32", () => node("fp32.onnx")],
      ["INT8, logits out", () => node("int8-logits.onnx")],
      ["INT8, features out", () => node("int8-features.onnx")],
    ];
    const times = forms.map((): Times[] => []);
    const loads: number[] = [];
    for (let round = 0; round < Number(asked.rounds); round++)
      for (const [index, [name, once]] of forms.entries()) {
        const found = once();
        times[index]!.push(found);
        loads.push(loadavg()[0]!);
        process.stderr.write(`${name}: ${Math.round(found.wallMs)} ms, processor ${Math.round(found.cpuMs)} ms\n`);
      }
    print(
      patch,
      forms.map(([name]) => name),
      times,
      loads,
    );
  } finally {
    if (asked.keep === undefined) rmSync(work, { recursive: true, force: true });
  }
}

/** The network as a checkpoint, imported by the command, and quantised on noise: only time counts. */
async function prepare(work: string): Promise<{ checkpoint: string; patch: Zyx }> {
  const weightsFolder = join(work, "weights");
  if (!existsSync(weightsFolder))
    run("/usr/bin/python3", ["-B", join(root, "test/make/total-checkpoints.py"), weightsFolder, "297"], false);
  const checkpoint = join(
    weightsFolder,
    readdirSync(weightsFolder, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith(".pth"))!,
  );
  const models = join(work, "data/models");
  if (!existsSync(models))
    run(
      process.execPath,
      [join(root, "appliance/cli/main.ts"), "model", "import", "--from", weightsFolder, "--data", join(work, "data")],
      false,
    );
  const folder = join(models, readdirSync(models).find((name) => !name.startsWith("."))!);
  const [loaded] = (await readModel(folder)).parts;
  const { part, plans } = loaded!;
  const patch = plans.patchSize;
  if (!existsSync(join(work, "int8-features.onnx"))) {
    const stored = await readOnnxFile(join(folder, part.networks[0]!.file));
    await writeOnnxFile(join(work, "fp32.onnx"), stored);
    const layers = layersOf(plans.network, plans.classes);
    const weights = weightsOf(stored, layers);
    const { model, taps } = floatGraph(layers, weights, { step: 3 });
    const float = await openGraph(Buffer.concat([...encodeOnnx(model)]), { threads });
    const { counts } = await countTensors(float, taps, [noise(patch)], patch);
    await float.close();
    const ranges = chooseRanges(layers, counts);
    for (const end of ["logits", "features"] as const)
      await writeOnnxFile(join(work, `int8-${end}.onnx`), cpuGraph(layers, weights, ranges, { patch, end, keepFp32: new Set() }).model);
  }
  return { checkpoint, patch };
}

function run(program: string, args: readonly string[]): Times;
function run(program: string, args: readonly string[], answers: false): null;
function run(program: string, args: readonly string[], answers = true): Times | null {
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${program} ended with ${signal ?? status}: ${stderr.slice(-2000)}`);
  return answers ? JSON.parse(stdout) : null;
}

function print(patch: Zyx, names: readonly string[], times: readonly (readonly Times[])[], loads: readonly number[]): void {
  const median = (values: readonly number[]): number => {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted.length / 2;
    return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  };
  const wall = times.map((each) => median(each.map(({ wallMs }) => wallMs)));
  const cpu = times.map((each) => median(each.map(({ cpuMs }) => cpuMs)));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const rows = names.map((name, n) => {
    const ratio = (of: readonly number[], to: number): string => `${(of[to]! / of[n]!).toFixed(1)}x`;
    return `| ${name} | ${seconds(wall[n]!)} | ${seconds(cpu[n]!)} | ${ratio(wall, 0)} / ${ratio(cpu, 0)} | ${ratio(wall, 1)} / ${ratio(cpu, 1)} |`;
  });
  process.stdout.write(`${cpus()[0]!.model.trim()}, ${cpus().length} cores, ${threads} threads, patch ${patch.join(" x ")}, ${times[0]!.length} rounds, load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}

| form | wall clock | processor | faster than PyTorch | faster than onnxruntime fp32 |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`);
}
