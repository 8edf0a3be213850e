import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readInstanceHeader } from "../../../appliance/dicom/instance-header.ts";
import { readSourceSeries } from "../../../appliance/dicom/series-to-volume.ts";
import { type OutputSettings, type ResultOutput, resultOutputs, usualOutputSettings } from "../../../appliance/domain/rule.ts";
import { askChild } from "../../../appliance/host/child-process.ts";
import { loadModel } from "../../../appliance/inference/models.ts";
import { childEntry, childStallMs, type EncodeReply, type EncodeRequest } from "../../../appliance/pipeline/child-requests.ts";
import { mintUids, outputForms } from "../../../appliance/pipeline/outputs.ts";
import { measureLabels } from "../../../appliance/volume/measure.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";
import { python } from "../../peers/python.ts";

const exampleCt = join(import.meta.dirname, "../../data/example-ct");
const modelFolder = join(import.meta.dirname, "../../../models/reference");

/** Has the child write these objects of the example series, with a block of label 3 in it or with nothing found. */
async function encodeExample(
  folder: string,
  outputs: readonly ResultOutput[],
  isEmpty: boolean,
  {
    emptySeg = false,
    volumeIsLost = false,
    settings = usualOutputSettings,
  }: { emptySeg?: boolean; volumeIsLost?: boolean; settings?: OutputSettings } = {},
) {
  const files = [];
  for (const name of await readdir(exampleCt)) {
    if (name.endsWith(".md")) continue;
    const path = join(exampleCt, name);
    files.push({ path, sha256: null, sopInstanceUid: readInstanceHeader(await readFile(path)).sopInstanceUid });
  }
  const { grid } = await readSourceSeries(files.map(({ path, sopInstanceUid }) => ({ sopInstanceUid, load: () => readFile(path) })));
  const [ni, nj, nk] = grid.dims;
  const hu = new Int16Array(ni * nj * nk);
  const labels = new Uint8Array(hu.length);
  if (!isEmpty)
    for (let k = 5; k < 10; k++) for (let j = 100; j < 140; j++) labels.fill(3, ni * (j + nj * k) + 100, ni * (j + nj * k) + 150);
  if (!volumeIsLost) await writeFile(join(folder, "volume.i16"), new Uint8Array(hu.buffer));
  await writeFile(join(folder, "labels.u8"), labels);
  const request: EncodeRequest = {
    kind: "encode",
    files,
    modelFolder,
    modelVersion: (await loadModel(modelFolder)).manifest.version,
    outputFolder: folder,
    outputs,
    emptySeg,
    settings,
    structures: measureLabels({ grid, hu }, { grid, labels }).map(({ centre, ...measure }) => ({ ...measure, centreIjk: [125, 120, 7] })),
    uids: mintUids(),
    making: {
      resultId: 1,
      plannedAt: "2026-11-25T00:00:00.000Z",
      series: null,
      inputs: [],
      inputsSha256: "0".repeat(64),
      rule: null,
      model: { name: "reference", version: "1.0.0" },
      inference: null,
      steps: [],
    },
    record: null,
    subject: readInstanceHeader(await readFile(files[0]!.path)),
    predecessorReport: null,
    predecessorStructureSet: null,
    device: { manufacturer: "Segbox", modelName: "Segbox", deviceSerialNumber: "1", softwareVersions: ["0.1.0"], stationName: "" },
    createdAt: 1_760_000_000_000,
  };
  const reply = await askChild<EncodeRequest, never, EncodeReply>(childEntry, request, { stallMs: childStallMs });
  return { ...reply, request };
}

/** What dciodvfy has against the objects; it knows all but the label map. */
async function faultsIn(folder: string, outputs: readonly ResultOutput[]): Promise<string[]> {
  const faults: string[] = [];
  for (const output of outputs.filter((each) => each !== "seg-labelmap")) {
    const { stdout, stderr } = await run("dciodvfy", ["-new", join(folder, outputForms[output].file)]);
    faults.push(...`${stdout}\n${stderr}`.split("\n").filter((line) => line.startsWith("Error")));
  }
  return faults;
}

test("every output is written as its own kind of object, in a series of its own, and stands up to dciodvfy", async () => {
  await using folder = await temporaryFolder("encode");
  const { written, request } = await encodeExample(folder.path, resultOutputs, false);
  assert.deepEqual(written, resultOutputs);
  assert.deepEqual(await faultsIn(folder.path, written), []);
  const paths = written.map((output) => join(folder.path, outputForms[output].file));
  assert.deepEqual(
    await python(join(import.meta.dirname, "object-heads.py"), paths),
    written.map((output, index) => [
      ["SEG", "SEG", "RTSTRUCT", "SR", "OT", "DOC"][index],
      outputForms[output].seriesNumber,
      request.uids[output].seriesInstanceUid,
      request.uids[output].sopInstanceUid,
    ]),
  );
  const sr = await readFile(join(folder.path, "sr.dcm"), "latin1");
  assert.ok(sr.includes(request.uids.seg.sopInstanceUid), "the report points at the SEG");
});

test("where nothing was found the report, the picture and the PDF say so, and a SEG only by wish", async () => {
  await using folder = await temporaryFolder("encode-empty");
  const plain = await encodeExample(folder.path, resultOutputs, true);
  assert.deepEqual(plain.written, ["sr", "secondary-capture", "pdf"]);
  assert.deepEqual(await faultsIn(folder.path, plain.written), []);
  const wished = await encodeExample(folder.path, ["seg", "rtstruct", "sr"], true, { emptySeg: true });
  assert.deepEqual(wished.written, ["seg", "sr"]);
  assert.deepEqual(await faultsIn(folder.path, wished.written), []);
});

test("an object that can't be written leaves the others as they are, and says why", async () => {
  await using folder = await temporaryFolder("encode-lost");
  const { written, failed } = await encodeExample(folder.path, resultOutputs, false, { volumeIsLost: true });
  assert.deepEqual(written, ["seg", "seg-labelmap", "rtstruct", "sr"]);
  assert.deepEqual(await faultsIn(folder.path, written), []);
  assert.deepEqual(
    failed.map(({ what, output, reason }) => [what, output, reason.code]),
    [
      ["Secondary capture", "secondary-capture", "fault"],
      ["PDF report", "pdf", "fault"],
    ],
  );
  for (const { stack } of failed) assert.match(stack!, /volume\.i16/); // for the log; the page gets a sentence
  const names = await readdir(folder.path);
  assert.ok(names.includes("labels.nii.gz") && names.includes("statistics.json") && !names.includes("report.dcm"));
  await assert.rejects(encodeExample(folder.path, ["pdf"], false, { volumeIsLost: true }), "nothing at all was written");
});

test("a rule's settings reach the objects: holes, simplified contours, compression and surfaces", async () => {
  await using folder = await temporaryFolder("encode-settings");
  const settings = { rtstruct: { holes: "inner", simplifyMm: 0.3 }, segLabelmap: { compression: "jpeg-ls" }, surfaces: "stl" } as const;
  await encodeExample(folder.path, ["seg-labelmap", "rtstruct"], false, { settings });
  const rtstruct = await readFile(join(folder.path, "rtstruct.dcm"), "latin1");
  assert.match(rtstruct, /combined by exclusive or; contours simplified by at most 0\.3 mm/);
  const { stdout } = await run("dcmdump", ["+P", "0002,0010", join(folder.path, "seg-labelmap.dcm")]);
  assert.match(stdout, /JPEGLSLossless/);
  const names = await readdir(folder.path);
  assert.ok(names.includes("surfaces-stl.zip") && !names.includes("surfaces.obj"));
  await encodeExample(folder.path, ["sr"], false, { settings: { ...settings, surfaces: "obj" } });
  assert.ok((await readdir(folder.path)).includes("surfaces.obj"));
});

test("a file for download that can't be written costs that file, and nothing else", async () => {
  await using folder = await temporaryFolder("encode-download");
  await mkdir(join(folder.path, "surfaces.obj")); // no file can take its place
  const settings = { ...usualOutputSettings, surfaces: "obj" } as const;
  const { written, failed } = await encodeExample(folder.path, ["seg", "sr"], false, { settings });
  assert.deepEqual(written, ["seg", "sr"]);
  assert.deepEqual(
    failed.map(({ what, output, reason }) => [what, output, reason.code]),
    [["surfaces", null, "fault"]],
  );
  assert.match(failed[0]!.stack!, /surfaces\.obj/);
  assert.ok((await readdir(folder.path)).includes("statistics.json"));
});
