import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { frameCompression, rleFrames } from "../../appliance/dicom/frame-compression.ts";
import { encodeSegLabelmap, type LabelMapSegmentationRequest } from "../../appliance/dicom/seg-labelmap.ts";
import { labelMapCompressions } from "../../appliance/domain/rule.ts";
import { axialGrid, plainTexts, request, sourceSeries } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";
import { type DicomJson, faultsOf, labelMapModules } from "./label-map-modules.ts";
import { readBack, resultCases } from "./result-cases.ts";

const script = (name: string) => join(import.meta.dirname, name);

function write(folder: string, name: string, from: LabelMapSegmentationRequest): string {
  const file = join(folder, `${name}.dcm`);
  writeFileSync(file, Buffer.concat([...encodeSegLabelmap(from)]));
  return file;
}

test("a label map has every attribute that the standard's tables ask for, whatever the series", async () => {
  await using folder = await temporaryFolder("label-map");
  const lossy = { ...plainTexts, "00282110": "01", "00282112": "12.5", "00282114": "ISO_15444_1" };
  const cases: { name: string; request: LabelMapSegmentationRequest }[] = [
    ...resultCases(),
    { name: "compressed", request: { ...resultCases()[0]!.request, compression: rleFrames } },
    { name: "nothing found", request: { ...request(sourceSeries(axialGrid(5, 4, 3)), new Uint8Array(60), 9), emptyFrame: true } },
    { name: "of a lossy series", request: request(sourceSeries(axialGrid(2, 2, 3), { texts: lossy }), new Uint8Array(12).fill(1), 1) },
  ];
  const files = cases.map(({ request: from }, index) => write(folder.path, String(index), from));
  const read = (await python(script("dicom_json.py"), files)) as DicomJson[];
  for (const [index, { name }] of cases.entries()) assert.deepEqual(faultsOf(read[index]!, labelMapModules), [], name);
});

test("those tables notice each attribute that is missing, and one that must not be there", async () => {
  await using folder = await temporaryFolder("label-map");
  const file = write(folder.path, "whole", request(sourceSeries(axialGrid(5, 4, 3)), new Uint8Array(60).fill(1), 1));
  const [whole] = (await python(script("dicom_json.py"), [file])) as [DicomJson];
  const asked = labelMapModules.filter(({ type, path }) => type !== 0 && type !== 3 && isThere(whole, path));
  assert.ok(asked.length > 80, `only ${asked.length} rows are about an attribute that is there`);
  for (const { path } of asked) assert.notDeepEqual(faultsOf(without(whole, path), labelMapModules), [], path.join(">"));
  const ofOneSegment = { ...whole, "0062000E": { vr: "US", Value: [255] } };
  assert.deepEqual(faultsOf(ofOneSegment, labelMapModules), ["0062000E in item 0 (C.8.20.2): must not be there"]);
});

test("dciodvfy, which takes it for a binary SEG when told that it is one, finds nothing but what Supplement 243 changed", async () => {
  await using folder = await temporaryFolder("label-map");
  const changed = [
    /SegmentationType\(0062,0001\).* - Unrecognized enumerated value = <LABELMAP>$/,
    /SegmentNumber\(0062,0004\).* - (SegmentNumber not monotonically increasing .* with SegmentNumber of 0|Value is zero)$/,
    /SegmentIdentificationSequence\(0062,000a\)> - Missing attribute .* Module=<SegmentationMacro>$/,
  ];
  for (const [index, { name, request: from }] of resultCases().entries()) {
    const file = write(folder.path, String(index), from);
    const [labelMap, seg] = ["1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.66.4"] as const;
    writeFileSync(file, readFileSync(file, "latin1").replaceAll(labelMap, seg), "latin1");
    const { stderr } = await run("dciodvfy", ["-new", file]);
    assert.match(stderr, /^Segmentation$/m);
    const errors = stderr.split("\n").filter((line) => /^Error/.test(line));
    assert.deepEqual(
      errors.filter((line) => !changed.some((pattern) => pattern.test(line))),
      [],
      name,
    );
  }
});

function isThere(item: DicomJson, [tag = "", ...deeper]: readonly string[]): boolean {
  return deeper.length === 0 ? tag in item : ((item[tag]?.Value ?? []) as DicomJson[]).some((inner) => isThere(inner, deeper));
}

function without(item: DicomJson, [tag = "", ...deeper]: readonly string[]): DicomJson {
  const { [tag]: taken, ...others } = item;
  if (!taken || deeper.length === 0) return others;
  return { ...others, [tag]: { ...taken, Value: (taken.Value as DicomJson[]).map((inner) => without(inner, deeper)) } };
}

for (const name of labelMapCompressions)
  test(`pydicom puts every frame of a label map back and gets each voxel, compression ${name}`, async () => {
    await using folder = await temporaryFolder("label-map");
    const compression = await frameCompression(name);
    const encode = (from: LabelMapSegmentationRequest) => encodeSegLabelmap({ ...from, compression });
    const read = await readBack(folder.path, resultCases(), "seg", encode, async (casesFile) => {
      if (name === "jpeg-ls") await unpackAll(folder.path); // pydicom 2 of Debian has no JPEG-LS of its own
      const { code, stderr } = await run("/usr/bin/python3", [script("seg_to_labels.py"), casesFile]);
      assert.equal(code, 0, stderr.slice(-2000));
    });
    for (const { name, expected, found } of read) assert.ok(Buffer.from(found).equals(expected), name);
  });

/** By dcmtk, in place. */
async function unpackAll(folder: string): Promise<void> {
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".dcm"))) {
    const file = join(folder, name);
    assert.deepEqual(await run("dcmdjpls", [file, file]), { code: 0, signal: null, stdout: "", stderr: "" });
  }
}

for (const [compression, unpack] of [
  ["rle", "dcmdrle"],
  ["jpeg-ls", "dcmdjpls"],
] as const)
  test(`dcmtk reads a label map to its end, and unpacks one in ${compression} to the same pixels`, async () => {
    await using folder = await temporaryFolder("label-map");
    for (const { name, request: from } of resultCases()) {
      const plain = write(folder.path, "plain", from);
      const packed = write(folder.path, "packed", { ...from, compression: await frameCompression(compression) });
      const unpacked = join(folder.path, "unpacked.dcm");
      assert.deepEqual(await run(unpack, [packed, unpacked]), { code: 0, signal: null, stdout: "", stderr: "" });
      const { stdout, stderr } = await run("dcmdump", ["-q", "+P", "7fe0,0010", plain]);
      assert.equal(stderr, "");
      const pixelBytes = from.labelMap.labels.length + (from.labelMap.labels.length % 2);
      assert.match(stdout, new RegExp(`# +${pixelBytes}, 1 PixelData`), name);
      const [expected, found] = [plain, unpacked].map((file) => readFileSync(file).subarray(-pixelBytes)) as [Buffer, Buffer];
      assert.ok(found.equals(expected), name);
    }
  });
