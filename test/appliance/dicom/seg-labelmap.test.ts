import assert from "node:assert/strict";
import { test } from "node:test";
import dicomParser from "dicom-parser";
import { jpegLsFrames, rleFrames } from "../../../appliance/dicom/frame-compression.ts";
import { encodeSegLabelmap, type LabelMapSegmentationRequest } from "../../../appliance/dicom/seg-labelmap.ts";
import { axialGrid, noiseLabels, request, sourceSeries, tiltedGrid, twoStructures } from "../../make/result-request.ts";

const grid = axialGrid(5, 4, 3);

const bytesOf = (from: LabelMapSegmentationRequest) => Buffer.concat([...encodeSegLabelmap(from)]);
const read = (from: LabelMapSegmentationRequest) => dicomParser.parseDicom(bytesOf(from));
const items = (data: dicomParser.DataSet, tag: string) => data.elements[tag]?.items?.map(({ dataSet }) => dataSet!) ?? [];
const pixelsOf = (data: dicomParser.DataSet) => {
  const { dataOffset, length } = data.elements.x7fe00010!;
  return [...data.byteArray.subarray(dataOffset, dataOffset + length)];
};

test("segments are numbered as in the binary SEG, and the background is described behind them", () => {
  const segments = items(read(twoStructures()), "x00620002");
  assert.deepEqual(
    segments.map((segment) => [segment.uint16("x00620004"), segment.string("x00620005"), segment.string("x00620021") !== undefined]),
    [
      [1, "Right kidney 2", true],
      [2, "Left kidney 7", true],
      [0, "Background", false],
    ],
  );
  const [type] = items(segments[2]!, "x0062000f");
  assert.deepEqual([type!.string("x00080100"), type!.string("x00080102")], ["125040", "DCM"]);
});

test("a pixel is its segment's number, and zero is said to be padding", () => {
  const labelMap = read(twoStructures());
  const expected = Array(60).fill(0);
  [expected[0], expected[45], expected[59]] = [2, 2, 1];
  assert.deepEqual(pixelsOf(labelMap), expected);
  assert.equal(labelMap.uint16("x00280120"), 0);
  assert.deepEqual(
    ["x00280100", "x00280101", "x00280102"].map((tag) => labelMap.uint16(tag)),
    [8, 8, 7],
  );
});

test("every slice has a frame, those without a structure too, and refers to its image", () => {
  const labelMap = read(twoStructures());
  const frames = items(labelMap, "x52009230").map((frame) => [
    items(frame, "x00209111")[0]!.uint32("x00209157"),
    items(frame, "x00209113")[0]!.string("x00200032"),
    items(items(frame, "x00089124")[0]!, "x00082112")[0]!.string("x00081155"),
  ]);
  assert.equal(labelMap.string("x00280008"), "3");
  assert.deepEqual(frames, [
    [1, "-199.609375\\-180.25\\-1042.3", "1.2.826.0.1.3680043.8.498.4.1"],
    [2, "-199.609375\\-180.25\\-1039.8", "1.2.826.0.1.3680043.8.498.4.2"],
    [3, "-199.609375\\-180.25\\-1037.3", "1.2.826.0.1.3680043.8.498.4.3"],
  ]);
});

test("frames are said to make a volume unless the gantry was tilted", () => {
  assert.equal(read(twoStructures()).string("x00209311"), "3D");
  assert.equal(read(request(sourceSeries(tiltedGrid(4, 4, 3)), new Uint8Array(48).fill(1), 1)).string("x00209311"), undefined);
});

test("compressed frames lie in one fragment each, behind an empty offset table", () => {
  const labelMap = read({ ...twoStructures(), compression: rleFrames });
  assert.equal(labelMap.string("x00020010"), "1.2.840.10008.1.2.5");
  const { basicOffsetTable, fragments } = labelMap.elements.x7fe00010!;
  assert.deepEqual(basicOffsetTable, []);
  assert.equal(fragments!.length, 3);
  // The second slice is empty: a header, and four rows of five zeros.
  const middle = dicomParser.readEncapsulatedPixelDataFromFragments(labelMap, labelMap.elements.x7fe00010!, 1);
  assert.deepEqual([...middle.subarray(64)], [252, 0, 252, 0, 252, 0, 252, 0]);
});

test("JPEG-LS fragments have an even length and end with the end marker", async () => {
  const labelMap = read({ ...twoStructures(), compression: await jpegLsFrames() });
  assert.equal(labelMap.string("x00020010"), "1.2.840.10008.1.2.4.80");
  const { fragments } = labelMap.elements.x7fe00010!;
  assert.equal(fragments!.length, 3);
  for (const [index, { length }] of fragments!.entries()) {
    const bytes = dicomParser.readEncapsulatedPixelDataFromFragments(labelMap, labelMap.elements.x7fe00010!, index);
    assert.equal(length % 2, 0);
    assert.match(Buffer.from(bytes).toString("hex"), /^ffd8.*ffd9(00)?$/);
  }
});

test("nothing found becomes one frame of zeros and every structure of the model when that is asked for", () => {
  const nothing = request(sourceSeries(grid), new Uint8Array(60), 9);
  assert.throws(() => encodeSegLabelmap(nothing), { name: "RefusedError", code: "segmentation-empty" });
  const labelMap = read({ ...nothing, emptyFrame: true });
  assert.deepEqual(
    items(labelMap, "x00620002").map((segment) => segment.uint16("x00620004")),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 0],
  );
  assert.equal(labelMap.string("x00280008"), "1");
  assert.deepEqual(pixelsOf(labelMap), Array(20).fill(0));
  assert.ok(bytesOf({ ...twoStructures(), emptyFrame: true }).equals(bytesOf(twoStructures())), "what was found is written as always");
});

test("the same request gives the same bytes", async () => {
  for (const compression of [null, rleFrames, await jpegLsFrames()]) {
    const noisy = { ...request(sourceSeries(grid), noiseLabels(grid, 3, 0.5, 1), 3), compression };
    const file = encodeSegLabelmap(noisy);
    assert.ok(Buffer.concat([...file]).equals(Buffer.concat([...file])));
  }
});

test("all 255 labels that a label map can have fit", () => {
  const labels = Uint8Array.from({ length: 256 }, (_, at) => at);
  const full = axialGrid(16, 16, 1);
  assert.deepEqual(pixelsOf(read(request(sourceSeries(full), labels, 255))), [...labels]);
});

test("what cannot be a right segmentation is refused before the first byte", () => {
  const refused = (code: string, change: Partial<LabelMapSegmentationRequest>) =>
    assert.throws(() => encodeSegLabelmap({ ...twoStructures(), ...change }), { name: "RefusedError", code });
  refused("label-unknown", { labelMap: { grid, labels: new Uint8Array(60).fill(10) } });
  refused("grid-differs", { labelMap: { grid: axialGrid(4, 5, 3), labels: new Uint8Array(60).fill(1) } });
  refused("grid-differs", { labelMap: { grid: axialGrid(4, 5, 3), labels: new Uint8Array(60) }, emptyFrame: true });
});
