import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { formLines } from "../../../appliance/cli/explain-forms.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import type { Activation } from "../../../appliance/domain/activation.ts";
import { evidenceOf } from "../../../appliance/domain/form-evidence.ts";
import type { InferenceRecord, InferenceTrace } from "../../../appliance/domain/result.ts";
import { readAccuracy } from "../../../appliance/inference/accuracy-file.ts";
import { readModel } from "../../../appliance/inference/models.ts";
import { temporaryFolder } from "../../peers/folder.ts";

const shipped = join(import.meta.dirname, "../../../models/headneck-oar");
const { manifest } = await readModel(shipped);
const accuracy = (await readAccuracy(shipped))!;
const judged = accuracy.parts[0]!.againstFp32!;
const [int8, fp32] = (["int8", "fp32"] as const).map(
  (precision) => manifest.parts[0]!.networks.find((each) => each.precision === precision)!,
);
const activation: Activation = {
  schema: 1,
  ...{
    model: manifest.name,
    version: manifest.version,
    manifestSha256: "0",
    machine: "a box",
    engine: "onnxruntime-node 1",
    at: Date.UTC(2026, 0, 2),
  },
  trials: [
    {
      ...{ part: "main", file: int8!.file, sha256: int8!.sha256, precision: "int8", provider: "cpu", outcome: "usable", detail: "as good" },
      measured: {
        ...{ threads: 2, arena: true, patchMs: 100, patches: 4, peakMemoryBytes: 1e9 },
        agreement: { meanDice: 0.995, worstDice: 0.981, worstLabel: "larynx", labels: 7 },
      },
    },
  ],
};
const figures = `mean Dice ${judged.meanDice.toFixed(4)}, worst ${judged.worstDice.toFixed(4)} (${judged.worstLabel})`;

/** What a result has of its forms. */
function resultOf(networks: InferenceTrace["networks"], version = manifest.version) {
  const trace = { modelFiles: [int8!, fp32!], ...(networks && { networks }) } as unknown as InferenceTrace;
  return { model: { name: manifest.name, version }, inference: { trace } as InferenceRecord };
}
const form = (network: typeof int8, more = {}) => ({
  ...{ part: "main", file: network!.file, precision: network!.precision, provider: "cpu", threads: 2 },
  ...more,
});

test("evidence is that of the very file and provider: another one has none", () => {
  const found = evidenceOf(int8!, "cpu", accuracy, activation);
  assert.equal(found.gate?.meanDice, judged.meanDice);
  assert.equal(found.activation?.agreement?.worstLabel, "larynx");
  assert.deepEqual(evidenceOf(int8!, "webgpu", accuracy, activation), { ...found, activation: null });
  assert.deepEqual(evidenceOf(fp32!, "cpu", accuracy, activation), { gate: null, activation: null });
  assert.deepEqual(evidenceOf({ sha256: "0" }, "cpu", accuracy, activation), { gate: null, activation: null });
});

test("a result cites the card as it was when it was made, whatever is installed now", async () => {
  await using data = await temporaryFolder("explain");
  const evidence = evidenceOf(int8!, "cpu", accuracy, activation);
  const lines = await formLines(resultOf([form(int8, { sha256: int8!.sha256, evidence })], "0.9"), dataFolder(data.path));
  assert.deepEqual(lines[0], ["form", `main: int8 on cpu (${int8!.file}), SHA-256 ${int8!.sha256}`]);
  const [name, card] = lines[1]!;
  assert.equal(name, "card");
  assert.ok(
    card.startsWith(`when the result was made: int8 passed against fp32: ${figures}, ${judged.compared} structures in all CTs, judged `),
  );
  assert.ok(card.endsWith("; tried on this box 2026-01-02T00:00:00.000Z: usable, mean Dice 0.9950, worst 0.9810 (larynx)"));
});

test("of a result that keeps none the installed model's card of today is cited, and said to be that; of another version none", async () => {
  await using data = await temporaryFolder("explain");
  const folder = dataFolder(data.path);
  await mkdir(dirname(folder.activation(manifest.name)), { recursive: true });
  await writeFile(folder.activation(manifest.name), JSON.stringify(activation));
  const cards = async (...parameters: Parameters<typeof resultOf>) =>
    (await formLines(resultOf(...parameters), folder)).filter(([name]) => name === "card").map(([, value]) => value);
  const [ofInt8, ofFp32] = await cards([form(int8), form(fp32)]);
  assert.ok(ofInt8!.startsWith(`not kept with the result; today's says: int8 passed against fp32: ${figures}`));
  assert.match(ofInt8!, /tried on this box .*: usable, mean Dice 0\.9950/);
  assert.equal(
    ofFp32,
    "not kept with the result; today's says: fp32, as it was trained, which the others are judged by; not tried on this box",
  );
  assert.deepEqual(await cards([form(int8)], "0.9"), [
    `not kept with the result, and the installed headneck-oar is version ${manifest.version}`,
  ]);
  assert.deepEqual(await formLines({ ...resultOf([form(int8)]), inference: null }, folder), []);
  assert.deepEqual(await formLines(resultOf(undefined), folder), []);
});
