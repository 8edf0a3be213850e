import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { choicesOf } from "../../../appliance/domain/activation.ts";
import { readAccuracy } from "../../../appliance/inference/accuracy-file.ts";
import { loadModel } from "../../../appliance/inference/models.ts";
import { openNetwork } from "../../../appliance/inference/network.ts";
import type { NetworkPlan } from "../../../appliance/nnunet/network.ts";
import { parsePlans } from "../../../appliance/nnunet/plans.ts";
import { fp32Graph } from "../../../models/network/u-net.ts";
import { writeOnnxFile } from "../../../models/onnx/write.ts";
import { readCases } from "../../../models/quantize/ct-cases.ts";
import { type QuantizeOptions, quantizeModel } from "../../../models/quantize/quantize-model.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { randomWeights } from "../../make/random-u-net.ts";
import { datasetText, plansText, thresholdManifest, withNetwork } from "../../make/threshold-model.ts";
import { temporaryFolder } from "../../peers/folder.ts";

/** A model with a network of random weights: liver and spleen are whatever it says. Changes are made to its file, not to its plans. */
async function makeModel(parent: string, { changes = {} }: { readonly changes?: Partial<NetworkPlan> } = {}): Promise<string> {
  const folder = join(parent, "random");
  await mkdir(join(folder, "nnunet"), { recursive: true });
  await writeFile(join(folder, "nnunet/plans.json"), plansText);
  await writeFile(join(folder, "nnunet/dataset.json"), datasetText);
  const { network, classes } = parsePlans(JSON.parse(plansText), JSON.parse(datasetText), "3d_fullres");
  const graph = fp32Graph({ ...network, ...changes }, classes, randomWeights(network, classes, 5));
  const [written] = await writeOnnxFile(join(folder, "model.onnx"), graph);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(withNetwork(await thresholdManifest("random"), { ...written })));
  return folder;
}

/** A CT of a few lumps, the same for the same number. */
async function writeCt(folder: string, number: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const series = makeCtSeries({
    dims: [40, 36, 20],
    spacingMm: [1.5, 1.5, 3],
    hu: (i, j, k) => Math.round(300 * Math.sin((i + number) / 5) * Math.cos(j / (4 + number)) + 200 * Math.sin(k / 3 + number)),
  });
  for (const [index, { bytes }] of series.entries()) await writeFile(join(folder, `${index}.dcm`), bytes);
}

const options = (modelFolder: string, changes: Partial<QuantizeOptions>): QuantizeOptions => ({
  modelFolder,
  calibrate: [],
  holdout: [],
  patches: 4,
  threads: 2,
  benchOnly: false,
  tensorrt: false,
  now: Date.UTC(2026, 10, 25),
  onProgress: () => {},
  ...changes,
});

test("a form made for the bench is barred for good: no choice names it, with an activation or without", async () => {
  await using folder = await temporaryFolder("bench-only");
  const modelFolder = await makeModel(folder.path);
  const record = await quantizeModel(options(modelFolder, { benchOnly: true }));
  assert.equal(record.outcome, "bench-only");
  assert.deepEqual(await readAccuracy(modelFolder), record);
  const { manifest, parts } = await loadModel(modelFolder);
  const [part] = manifest.parts;
  const int8 = part!.networks.find(({ precision }) => precision === "int8")!;
  assert.match(int8.barred!, /time only/);
  assert.deepEqual(
    choicesOf(part!, null).map(({ network }) => network.precision),
    ["fp32"],
  );
  const tried = {
    part: "main",
    file: int8.file,
    sha256: int8.sha256,
    precision: "int8",
    provider: "cpu",
    outcome: "usable",
    detail: "",
  } as const;
  const measured = { threads: 2, arena: true, patchMs: 1, patches: 1, peakMemoryBytes: 1, agreement: null };
  const activation = {
    schema: 1,
    model: "random",
    version: "1",
    manifestSha256: "",
    machine: "",
    engine: "",
    at: 0,
    trials: [{ ...tried, measured }],
  } as const;
  assert.deepEqual(choicesOf(part!, activation), []);
  assert.match(await readFile(join(modelFolder, "card.md"), "utf8"), /BENCH ONLY/);
  // It can be run all the same, by who measures time.
  const opened = await openNetwork(modelFolder, int8, parts[0]!.plans, { threads: 1 });
  const { patchSize } = parts[0]!.plans;
  const output = await opened.infer(new Float32Array(patchSize[0] * patchSize[1] * patchSize[2]), patchSize).finally(() => opened.close());
  assert.ok(output.every(Number.isFinite));
  assert.deepEqual((await readdir(modelFolder)).sort(), [
    "accuracy.json",
    "card.md",
    "main.int8.onnx",
    "manifest.json",
    "model.onnx",
    "nnunet",
  ]);
});

test("a model is judged on held-out CTs, and what the judgement says is what the manifest does", async () => {
  await using folder = await temporaryFolder("quantize");
  const modelFolder = await makeModel(folder.path);
  for (const number of [1, 2, 3]) await writeCt(join(folder.path, number < 3 ? "calibrate" : "holdout", String(number)), number);
  const [calibrate, holdout] = [await readCases(join(folder.path, "calibrate")), await readCases(join(folder.path, "holdout"))];
  assert.deepEqual([calibrate.length, holdout.length], [2, 1]);
  const lines: string[] = [];
  const record = await quantizeModel(options(modelFolder, { calibrate, holdout, onProgress: (line) => lines.push(line) }));
  const [part] = record.parts;
  const { meanDice, worstDice, compared } = part!.againstFp32!;
  assert.ok(compared > 0);
  const passes = meanDice >= 0.99 && worstDice >= 0.97;
  assert.equal(record.outcome, passes ? "passed" : "kept-fp32");
  const networks = (await loadModel(modelFolder)).manifest.parts[0]!.networks;
  assert.deepEqual(
    networks.map(({ precision, barred }) => [precision, barred !== undefined]),
    passes
      ? [
          ["int8", false],
          ["fp32", false],
        ]
      : [
          ["fp32", false],
          ["int8", true],
        ],
  );
  assert.equal(networks.find(({ precision }) => precision === "int8")!.sha256, part!.int8Sha256);
  assert.equal(part!.keptFp32.length > 0, part!.rounds > 0);
  assert.deepEqual(
    record.holdout.cts,
    holdout.map(({ sha256 }) => sha256),
  );
  const card = await readFile(join(modelFolder, "card.md"), "utf8");
  assert.ok(card.includes(record.reason) && card.includes("| liver |"));

  // What is going on is told: the CT, the form, Dice so far. fp32 is asked once, whatever the rounds.
  assert.deepEqual(lines.slice(0, 5), [
    "main: counting values in CT 1 of 2",
    "main: counting values in CT 2 of 2",
    `main: ${record.calibration.patches} patches counted; choosing ranges`,
    "main: round 1 of at most 5: making the INT8 form",
    "main: held-out CT 1 of 1 in fp32",
  ]);
  const count = (line: RegExp): number => lines.filter((each) => line.test(each)).length;
  const rounds = part!.rounds + 1;
  assert.deepEqual([count(/in fp32$/), count(/ of 1 in int8$/), count(/: making the INT8 form/)], [1, rounds, rounds]);
  assert.equal(
    lines.at(-3),
    `main: held-out CT 1 of 1: Dice so far: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${part!.againstFp32!.worstLabel})`,
  );
  assert.equal(lines.at(-2), `main: ${passes ? "reached" : "not reached"}: ${record.reason}`);
  assert.equal(lines.at(-1), "main: measuring the noise of its layers");

  // Once more: the section and the form are put in anew, not added.
  await quantizeModel(options(modelFolder, { benchOnly: true, tensorrt: true }));
  const again = await readFile(join(modelFolder, "card.md"), "utf8");
  assert.equal(again.split("## INT8").length, 2);
  assert.deepEqual(
    (await loadModel(modelFolder)).manifest.parts[0]!.networks.map(({ precision, engine }) => `${precision} ${engine}`),
    ["fp32 onnx", "int8 onnx", "int8 tensorrt"],
  );
});

test("a round ends with the first CT that misses, but what is written down tells of all", async () => {
  await using folder = await temporaryFolder("rounds");
  const modelFolder = await makeModel(folder.path);
  for (const number of [1, 3, 4]) await writeCt(join(folder.path, number < 3 ? "calibrate" : "holdout", String(number)), number);
  const [calibrate, holdout] = [await readCases(join(folder.path, "calibrate")), await readCases(join(folder.path, "holdout"))];
  const lines: string[] = [];
  const record = await quantizeModel(options(modelFolder, { calibrate, holdout, onProgress: (line) => lines.push(line) }));
  const [part] = record.parts;
  const first = lines.findIndex((line) => /not reached already/.test(line));
  assert.ok(first > 0 && part!.rounds > 0, lines.join("\n")); // random weights are as unsure as can be
  assert.equal(
    lines.slice(0, first).some((line) => /CT 2 of 2/.test(line)),
    false,
  );
  assert.equal(lines.filter((line) => /in fp32$/.test(line)).length, 2);
  assert.equal(lines.filter((line) => /what layer 1 of/.test(line)).length, 1);
  assert.equal(part!.againstFp32!.labels[0]!.cases, 2);
});

test("a CT that was calibrated with must not judge, under another name either", async () => {
  await using folder = await temporaryFolder("overlap");
  const modelFolder = await makeModel(folder.path);
  await writeCt(join(folder.path, "calibrate/a"), 1);
  await writeCt(join(folder.path, "holdout/another"), 1);
  const [calibrate, holdout] = [await readCases(join(folder.path, "calibrate")), await readCases(join(folder.path, "holdout"))];
  await assert.rejects(quantizeModel(options(modelFolder, { calibrate, holdout })), {
    code: "cts-overlap",
    message: /1 of 1 held-out CTs/,
  });
  await assert.rejects(quantizeModel(options(modelFolder, { calibrate })), { code: "cts-missing", message: /--holdout/ });
  await assert.rejects(readCases(join(folder.path, "calibrate/b")), { code: "cts-missing" });
  assert.deepEqual((await readdir(modelFolder)).sort(), ["manifest.json", "model.onnx", "nnunet"]);
});

test("a file that computes something else than its plans say is refused, with how far apart the two are", async () => {
  await using folder = await temporaryFolder("other-network");
  const modelFolder = await makeModel(folder.path, { changes: { leakySlope: 0.3 } });
  await assert.rejects(quantizeModel(options(modelFolder, { benchOnly: true })), {
    code: "quantise-weights",
    message: /model\.onnx agree .* to \d+ dB, expected 50: .*import it again.*--bench-only/,
  });
  assert.deepEqual((await readdir(modelFolder)).sort(), ["manifest.json", "model.onnx", "nnunet"]);
});
