import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { ModelCard, ModelLine } from "../../../appliance/api/models.ts";
import { paths } from "../../../appliance/api/paths.ts";
import { type Box, startBox } from "./box.ts";

const shipped = join(import.meta.dirname, "../../../models");
let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

async function get(path: string): Promise<Response> {
  return fetch(box.origin + path, { headers: { cookie: await box.signIn("reviewer") } });
}
const card = async (name: string) => (await (await get(paths.model(name))).json()) as ModelCard;

test("installed models are listed, and one that can't be used says why", async () => {
  await mkdir(join(box.models, "torn"), { recursive: true });
  await writeFile(join(box.models, "torn/manifest.json"), "{}");
  const lines = (await (await get(paths.models)).json()) as ModelLine[];
  assert.deepEqual(
    lines.map(({ name, labels, refusal }) => [name, labels > 0, refusal === null]),
    [
      ["headneck-oar", true, true],
      ["reference", true, true],
      ["torn", false, false],
    ],
  );
});

test("a card has the model's files, labels, text, and how its INT8 form was judged", async () => {
  const found = await card("headneck-oar");
  assert.equal(found.labels.length, 7);
  assert.deepEqual(found.labels[2]!.modifiers, ["Right"]);
  assert.ok(found.forms.every(({ sha256, sizeBytes }) => /^[0-9a-f]{64}$/.test(sha256) && sizeBytes > 0));
  assert.match(found.card!, /^# headneck-oar/);
  assert.deepEqual(
    found.used.map(({ part, provider }) => [part, provider]),
    [["main", "cpu"]],
  );
  const { outcome, limits, parts } = found.accuracy!;
  assert.equal(outcome, "passed");
  assert.deepEqual(limits, { meanDice: 0.99, worstDice: 0.97, overMl: 1 });
  const text = await readFile(join(shipped, "headneck-oar/card.md"), "utf8"); // the same figures, as `model quantize` wrote them for people
  const [, mean, worst] = /^\| parotid_left \| \d+ \| ([\d.]+) \| ([\d.]+) \| [\d.]+ % \| [\d.]+ ml/m.exec(text)!;
  const parotid = parts[0]!.againstFp32!.labels.find(({ name }) => name === "parotid_left")!;
  assert.deepEqual([parotid.meanDice.toFixed(4), parotid.worstDice.toFixed(4)], [mean, worst]);
  assert.deepEqual([found.activation, found.benchmark, found.notes], [null, null, []]);
});

test("a card is downloaded as PDF, by the model's name", async () => {
  const response = await get(paths.modelCardPdf("headneck-oar"));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/pdf");
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="segbox-model-headneck-oar.pdf"');
  assert.equal(
    Buffer.from(await response.arrayBuffer())
      .subarray(0, 8)
      .toString("latin1"),
    "%PDF-1.7",
  );
  assert.equal((await get(paths.modelCardPdf("nowhere"))).status, 404);
  assert.equal((await fetch(box.origin + paths.modelCardPdf("headneck-oar"))).status, 401);
});

test("what was tried and measured elsewhere or can't be read is said", async () => {
  const write = async (path: string, value: unknown): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(value));
  };
  const trial = {
    part: "main",
    file: "model.onnx",
    sha256: "0",
    precision: "fp32",
    provider: "cpu",
    outcome: "usable",
    detail: "1 s a patch",
    measured: null,
  };
  const head = { model: "reference", version: "1.0.0", machine: "another box", at: 5 };
  await write(box.activationFile("reference"), { ...head, schema: 1, manifestSha256: "0", engine: "onnxruntime-node 1", trials: [trial] });
  await write(box.benchmarkFile("reference"), { ...head, version: "0.0.1" });
  const found = await card("reference");
  assert.equal(found.activation?.trials[0]?.detail, "1 s a patch");
  assert.equal(found.benchmark, null);
  assert.equal(found.accuracy?.outcome, "passed"); // how it was judged ships with it
  assert.deepEqual(found.notes, [
    "what was measured of the model can't be read; run segbox model bench again",
    "the model was tried in another version or on another machine; run segbox model activate again",
  ]);
});

test("figures of another INT8 file than the one that is installed are said to be that", async () => {
  const folder = join(box.models, "other");
  await cp(join(shipped, "headneck-oar"), folder, { recursive: true });
  const manifest = await import(join(shipped, "headneck-oar/manifest.json"), { with: { type: "json" } });
  const parts = structuredClone(manifest.default.parts);
  for (const network of parts[0].networks) if (network.precision === "int8") network.sha256 = "0".repeat(64);
  await writeFile(join(folder, "manifest.json"), JSON.stringify({ ...manifest.default, name: "other", parts }));
  assert.deepEqual((await card("other")).notes, ["the INT8 form that was judged is not the one that is installed"]);
});

test("nobody without a session, and no file by a name that is none", async () => {
  assert.equal((await fetch(box.origin + paths.models)).status, 401);
  assert.equal((await fetch(box.origin + paths.model("reference"))).status, 401);
  for (const name of ["nowhere", "..%2F..%2Fetc", "torn"]) assert.equal((await get(`/api/models/${name}`)).status, 404, name);
});
