import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { choicesOf, type Trial } from "../../../appliance/domain/activation.ts";
import type { ModelPart, NetworkFile } from "../../../appliance/domain/model.ts";
import { readActivation } from "../../../appliance/inference/activation-file.ts";
import { machineName } from "../../../appliance/inference/activation-record.ts";
import { readModel } from "../../../appliance/inference/models.ts";
import { activate, partsWithoutForm } from "../../../models/activate/activate.ts";
import { buildEngine, engineFileOf, removeOtherEngines } from "../../../models/activate/build-engine.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { digest, makeThresholdModel, thresholdNetwork, withPart } from "../../make/threshold-model.ts";
import { temporaryFolder } from "../../peers/folder.ts";

/** A CT with a liver of 13 ml and a spleen of 8 ml, as the threshold networks see them. */
async function writeCt(folder: string): Promise<readonly string[]> {
  await mkdir(folder);
  const inside = (from: number, to: number, ...places: number[]) => places.every((place) => place >= from && place < to);
  const series = makeCtSeries({
    dims: [40, 40, 24],
    spacingMm: [1.5, 1.5, 3],
    hu: (i, j, k) => (inside(4, 18, i, j, k) ? 440 : inside(22, 34, i, j) && inside(18, 24, k) ? 640 : -1000),
  });
  return Promise.all(
    series.map(async ({ bytes }, index) => {
      const path = join(folder, `${index}.dcm`);
      await writeFile(path, bytes);
      return path;
    }),
  );
}

test("every form is tried on every provider; what agrees with fp32 on the CPU is used, best first, and nothing else", async () => {
  await using folder = await temporaryFolder("activate");
  const images = await writeCt(join(folder.path, "ct"));
  const original = await readFile(thresholdNetwork);
  // The bias of class 2 becomes -2 where it was -4: all of the liver goes to the spleen.
  const other = Buffer.from(original);
  const bias = Buffer.from(Float32Array.of(0, -1, -4).buffer);
  other.writeFloatLE(-2, other.indexOf(bias) + 8);
  const form = (file: string, bytes: Uint8Array, change: Partial<NetworkFile>): NetworkFile => ({
    file,
    sha256: digest(bytes),
    sizeBytes: bytes.length,
    precision: "int8",
    engine: "onnx",
    input: "input",
    output: "logits",
    ...change,
  });
  const fixed = await readFile(new URL("fixed-size.onnx", thresholdNetwork));
  const networks = [
    form("other.onnx", other, {}),
    form("fixed.onnx", fixed, {}),
    form("same.onnx", original, {}),
    form("never.onnx", original, { barred: "made to measure time only" }),
    form("model.onnx", original, { precision: "fp32" }),
    form("quantising-steps.onnx", original, { engine: "tensorrt" }),
  ];
  const modelFolder = await makeThresholdModel(folder.path, "forms", (manifest) =>
    withPart(manifest, (part): ModelPart => ({ ...part, networks })),
  );
  for (const [file, bytes] of [
    ["other.onnx", other],
    ["fixed.onnx", fixed],
    ["same.onnx", original],
    ["never.onnx", original],
    ["quantising-steps.onnx", original],
  ] as const)
    await writeFile(join(modelFolder, file), bytes);

  const activationFile = join(folder.path, "activations/forms.json");
  const began: string[] = [];
  const activation = await activate({
    modelFolder,
    images,
    activationFile,
    cores: 2,
    now: 1000,
    onTrial: ({ network, provider }, outcome) => outcome === null && began.push(`${network.file} ${provider}`),
  });
  assert.equal(began[0], "model.onnx cpu", "what the others are judged by comes first");
  const onCpu = activation.trials.filter(({ provider }) => provider === "cpu");
  assert.deepEqual(
    onCpu.map(({ file, outcome }) => [file, outcome]),
    [
      ["other.onnx", "barred"],
      ["fixed.onnx", "fails"],
      ["same.onnx", "usable"],
      ["model.onnx", "usable"],
    ],
  );
  assert.match(
    onCpu[0]!.detail,
    /^Dice against fp32: mean 0\.\d+, worst 0\.0000 \(liver\), 2 structures in all CTs; expected 0\.99 and 0\.97$/,
  );
  assert.match(onCpu[1]!.detail, /[Gg]ot: 16 [Ee]xpected: 4/);
  assert.deepEqual(onCpu[2]!.measured?.agreement, { labels: 2, meanDice: 1, worstDice: 1, worstLabel: "liver" });
  assert.ok(onCpu[2]!.measured!.patches > 1 && onCpu[2]!.measured!.peakMemoryBytes > 1e7);
  // This machine has no graphics card: those are tried with fp32, TensorRT also with what an engine is built from, and found absent. Where there is
  // one the network may run on it.
  assert.deepEqual(
    activation.trials.filter(({ provider }) => provider !== "cpu").map(({ file, provider }) => `${file} ${provider}`),
    ["model.onnx tensorrt", "quantising-steps.onnx tensorrt", "model.onnx cuda", "model.onnx webgpu"],
  );
  const [, engine] = activation.trials;
  if (engine!.outcome === "absent") assert.match(engine!.detail, /shared library|backend not found|is not installed/);
  assert.equal(engine!.built !== undefined, engine!.measured !== null, "what ran was built, and nothing else was");

  const read = await readActivation(activationFile, modelFolder);
  assert.deepEqual(read, { activation, note: null });
  const { manifest } = await readModel(modelFolder);
  const choices = choicesOf(manifest.parts[0]!, read.activation).filter(({ provider }) => provider === "cpu");
  assert.deepEqual(
    choices.map(({ network }) => network.file),
    ["same.onnx", "model.onnx"],
  );
  assert.deepEqual(partsWithoutForm(manifest.parts, { ...activation, trials: onCpu.slice(0, 2) }), ["main"]);

  // It holds for this manifest, machine and library only.
  for (const [change, note] of [
    [{ machine: "another" }, /activated on another machine \(another\)/],
    [{ engine: "onnxruntime-node 0.1" }, /activated with onnxruntime-node 0\.1/],
    [{ manifestSha256: "ab" }, /activated in another version/],
    [{ schema: 9 }, /can't be read/],
  ] as const) {
    await writeFile(activationFile, JSON.stringify({ ...activation, ...change }));
    const { activation: none, note: why } = await readActivation(activationFile, modelFolder);
    assert.equal(none, null);
    assert.match(why!, note);
  }
  assert.deepEqual(await readActivation(join(folder.path, "none.json"), modelFolder), { activation: null, note: null });
  assert.match(machineName(), /\d+ cores/);
});

test("an engine is built by NVIDIA's tools: where they are not installed that is said, and nothing is left behind", async () => {
  await using folder = await temporaryFolder("engine");
  const target = join(folder.path, "main.onnx");
  const building = buildEngine("trt.onnx", target, { patch: [16, 16, 16], classes: 3, path: folder.path });
  await assert.rejects(building, { code: "engine-tool-missing", message: /^nvidia-smi is not installed$/ });
  assert.deepEqual(await readdir(folder.path), []);
});

test("engines that a newer activation does not name are taken away, those of other models stay", async () => {
  await using folder = await temporaryFolder("engines");
  const [old, named, other] = [engineFileOf("total", 0, 5), engineFileOf("total", 0, 9), engineFileOf("total.v3", 0, 5)];
  for (const file of [old, named, other]) {
    await mkdir(dirname(join(folder.path, file)), { recursive: true });
    await writeFile(join(folder.path, file), "");
  }
  const built = { file: named, sha256: "0", sizeBytes: 1, patchSize: [16, 16, 16] } as const;
  await removeOtherEngines(folder.path, { model: "total", trials: [{ built } as unknown as Trial] });
  assert.deepEqual(await readdir(join(folder.path, dirname(named))), [basename(named)]);
  assert.deepEqual(await readdir(join(folder.path, dirname(other))), [basename(other)]);
  await removeOtherEngines(join(folder.path, "nowhere"), { model: "total", trials: [] });
});

test("a CT too thin to be segmented in INT8 does not judge it: a larger one is asked for, and nothing is barred", async () => {
  await using folder = await temporaryFolder("activate-thin");
  await mkdir(join(folder.path, "ct"));
  const images: string[] = [];
  for (const [index, { bytes }] of makeCtSeries({ dims: [40, 40, 5], spacingMm: [1.5, 1.5, 3], hu: () => 440 }).entries()) {
    images.push(join(folder.path, "ct", `${index}.dcm`));
    await writeFile(images.at(-1)!, bytes);
  }
  const options = { images, activationFile: join(folder.path, "activation.json"), cores: 1, now: 0, onTrial: () => {} };
  const both = await makeThresholdModel(folder.path, "both", (manifest) =>
    withPart(manifest, (part): ModelPart => ({ ...part, networks: [{ ...part.networks[0]!, precision: "int8" }, part.networks[0]!] })),
  );
  await assert.rejects(activate({ ...options, modelFolder: both }), {
    code: "ct-too-small",
    message: /the CT is 60 x 60 x 15 mm; .* patch of 48 x 36 x 48 mm .* --input/,
  });
  await assert.rejects(readFile(options.activationFile), { code: "ENOENT" });
});

test("a CT that shows nothing of a model judges nothing: only fp32 on the CPU may be used", async () => {
  await using folder = await temporaryFolder("activate-empty");
  await mkdir(join(folder.path, "ct"));
  const images: string[] = [];
  for (const [index, { bytes }] of makeCtSeries({ dims: [40, 40, 10], spacingMm: [1.5, 1.5, 3], hu: () => -1000 }).entries()) {
    images.push(join(folder.path, "ct", `${index}.dcm`));
    await writeFile(images.at(-1)!, bytes);
  }
  const modelFolder = await makeThresholdModel(folder.path, "unjudged", (manifest) =>
    withPart(manifest, (part): ModelPart => ({ ...part, networks: [{ ...part.networks[0]!, precision: "int8" }, part.networks[0]!] })),
  );
  const { trials } = await activate({
    modelFolder,
    images,
    activationFile: join(folder.path, "activation.json"),
    cores: 1,
    now: 0,
    onTrial: () => {},
  });
  assert.deepEqual(
    trials.filter(({ provider }) => provider === "cpu").map(({ precision, outcome }) => [precision, outcome]),
    [
      ["int8", "barred"],
      ["fp32", "usable"],
    ],
  );
  assert.match(trials.find(({ precision }) => precision === "int8")!.detail, /no held-out CT shows a structure over 1 ml/);
});
