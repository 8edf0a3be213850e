import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dcmsend, echoscu, startStorescp, storescu } from "./dcmtk.ts";
import { eventually } from "./eventually.ts";
import { startOrthanc } from "./orthanc.ts";
import { isListening } from "./ports.ts";

const corpus = join(import.meta.dirname, "../data/ct-corpus");
const ctImageStorage = "1.2.840.10008.5.1.4.1.1.2";
const segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4";
const rtStructureSetStorage = "1.2.840.10008.5.1.4.1.1.481.3";

test("Orthanc takes CT, SEG and RTSTRUCT by C-STORE, shows them by QIDO and gives them back", async () => {
  await using pacs = await startOrthanc({ aeTitle: "PACS" });
  const call = { port: pacs.dicomPort, calledAeTitle: "PACS" };
  const seg = join(corpus, "tiny-23x38x3-seg/label.seg");
  const rtstruct = join(corpus, "ge-discovery-mi-rtstruct/rt.dcm");
  const sent = await storescu({ ...call, paths: [join(corpus, "tiny-23x38x3"), seg, rtstruct] });
  assert.equal(sent.code, 0, sent.stderr);
  assert.deepEqual(sent.statuses, Array(5).fill("0000"));

  const series = await eventually(async () => {
    const found = await pacs.find("/series?includefield=Modality");
    return found.length === 3 ? found : undefined;
  });
  assert.deepEqual(series.map((one) => one["00080060"]?.Value?.[0]).sort(), ["CT", "RTSTRUCT", "SEG"]);
  assert.equal((await pacs.instancesOf(ctImageStorage)).length, 3);
  assert.equal((await pacs.instancesOf(rtStructureSetStorage)).length, 1);
  const [stored] = await pacs.instancesOf(segmentationStorage);
  const original = await readFile(seg);
  const pixelBytes = Math.ceil((38 * 23 * 3) / 8);
  assert.ok(original.subarray(-pixelBytes).equals(Buffer.from(stored!).subarray(-pixelBytes)), "pixel data, the last bytes, are as sent");
});

test("Orthanc refuses a caller who names another AE title", async () => {
  await using pacs = await startOrthanc({ aeTitle: "PACS" });
  assert.equal((await echoscu({ port: pacs.dicomPort, calledAeTitle: "PACS" })).code, 0);
  const refused = await echoscu({ port: pacs.dicomPort, calledAeTitle: "OTHER" });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /Called AE Title Not Recognized/);
});

test("Orthanc sends to a node it knows, and leaves no process, port or folder behind", async () => {
  await using node = await startStorescp({ aeTitle: "SCANNER" });
  const pacs = await startOrthanc({ modalities: { scanner: { aeTitle: node.aeTitle, port: node.port } } });
  await dcmsend({ port: pacs.dicomPort, calledAeTitle: "PACS", paths: [join(corpus, "tiny-23x38x3")] });
  const instances = (await pacs.call("GET", "/instances")) as string[];
  assert.equal(instances.length, 3);
  await eventually(async () => pacs.storeRequests() === 3 || undefined, 5_000);
  await pacs.call("POST", "/modalities/scanner/store", instances);
  assert.equal((await node.files()).length, 3);
  await pacs.stop();
  assert.equal(pacs.process.isRunning, false);
  assert.equal(await isListening(pacs.dicomPort), false);
  assert.equal(await isListening(pacs.httpPort), false);
});
