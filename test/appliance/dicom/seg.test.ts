import assert from "node:assert/strict";
import { test } from "node:test";
import dicomParser from "dicom-parser";
import { cielabOfSrgb } from "../../../appliance/dicom/cielab.ts";
import { encodeSeg } from "../../../appliance/dicom/seg.ts";
import { axialGrid, noiseLabels, plainTexts, request, sourceSeries, tiltedGrid, twoStructures } from "../../make/result-request.ts";

const grid = axialGrid(5, 4, 3);

const bytesOf = (from: Parameters<typeof encodeSeg>[0]) => Buffer.concat([...encodeSeg(from)]);
const read = (from: Parameters<typeof encodeSeg>[0]) => dicomParser.parseDicom(bytesOf(from));
const items = (data: dicomParser.DataSet, tag: string) => data.elements[tag]?.items?.map(({ dataSet }) => dataSet!) ?? [];

test("only labels with voxels become segments, numbered from 1, with their meaning and colour", () => {
  const segments = items(read(twoStructures()), "x00620002");
  const shown = segments.map((segment) => [segment.uint16("x00620004"), segment.string("x00620005"), segment.string("x00620008")]);
  assert.deepEqual(shown, [
    [1, "Right kidney 2", "AUTOMATIC"],
    [2, "Left kidney 7", "AUTOMATIC"],
  ]);
  const [type] = items(segments[1]!, "x0062000f");
  assert.deepEqual([type!.string("x00080100"), type!.string("x00080102"), type!.string("x00080104")], ["64033007", "SCT", "Kidney"]);
  assert.deepEqual(
    items(type!, "x00620011").map((modifier) => modifier.string("x00080104")),
    ["Left"],
  );
  const color = [0, 1, 2].map((index) => segments[1]!.uint16("x0062000d", index));
  assert.deepEqual(color, cielabOfSrgb([111, 184, 210]));
  const [algorithm] = items(segments[0]!, "x00620007");
  assert.equal(items(algorithm!, "x0066002f")[0]!.string("x00080100"), "123110");
  assert.match(algorithm!.string("x00660032")!, /^model test-model 1\.2\.3; fp32 sha256:abab/);
});

test("a structure's anatomic region is written where the model gives one", () => {
  const labels = new Uint8Array(60).fill(1, 0, 3);
  const [segment] = items(read(request(sourceSeries(grid), labels, 9)), "x00620002");
  assert.equal(items(segment!, "x00082218")[0]!.string("x00080104"), "Abdomen");
});

test("frames go by segment, then slice; slices without the structure have none", () => {
  const seg = read(twoStructures());
  const frames = items(seg, "x52009230").map((frame) => {
    const content = items(frame, "x00209111")[0]!;
    const source = items(items(frame, "x00089124")[0]!, "x00082112")[0]!;
    return {
      segment: items(frame, "x0062000a")[0]!.uint16("x0062000b"),
      index: [content.uint32("x00209157", 0), content.uint32("x00209157", 1)],
      position: items(frame, "x00209113")[0]!.string("x00200032"),
      source: source.string("x00081155"),
    };
  });
  const [first, last] = ["-199.609375\\-180.25\\-1042.3", "-199.609375\\-180.25\\-1037.3"];
  assert.equal(seg.string("x00280008"), "3");
  assert.deepEqual(frames, [
    { segment: 1, index: [1, 2], position: last, source: "1.2.826.0.1.3680043.8.498.4.3" },
    { segment: 2, index: [2, 1], position: first, source: "1.2.826.0.1.3680043.8.498.4.1" },
    { segment: 2, index: [2, 2], position: last, source: "1.2.826.0.1.3680043.8.498.4.3" },
  ]);
});

test("a multi-frame source is referred to by frame", () => {
  const seg = read(request(sourceSeries(grid, { isMultiFrame: true }), new Uint8Array(60).fill(1, 20, 40), 1));
  const [frame, ...others] = items(seg, "x52009230");
  assert.deepEqual(others, []);
  assert.equal(items(items(frame!, "x00089124")[0]!, "x00082112")[0]!.string("x00081160"), "2");
  assert.equal(items(items(seg, "x00081115")[0]!, "x0008114a").length, 1);
});

test("slices of a tilted gantry lie as far apart as their planes do", () => {
  const tilted = tiltedGrid(4, 4, 3);
  const seg = read(request(sourceSeries(tilted), new Uint8Array(48).fill(1), 1));
  const [measures] = items(items(seg, "x52009229")[0]!, "x00289110");
  assert.ok(Math.abs(measures!.floatString("x00180088")! - 4 * Math.cos(0.26)) < 1e-9);
  assert.equal(measures!.string("x00280030"), "0.5\\0.5");
});

test("the same request gives the same bytes, and another result another dimension organisation", () => {
  const noisy = request(sourceSeries(grid), noiseLabels(grid, 3, 0.5, 1), 3);
  assert.ok(bytesOf(noisy).equals(bytesOf(noisy)));
  const other = { ...noisy, uids: { ...noisy.uids, sopInstanceUid: "2.25.223" } };
  const organization = (from: typeof noisy) => items(read(from), "x00209221")[0]!.string("x00209164");
  assert.match(organization(noisy)!, /^2\.25\.\d+$/);
  assert.notEqual(organization(noisy), organization(other));
});

test("a result of a lossy series stays marked as lossy", () => {
  const texts = { ...plainTexts, "00282110": "01", "00282112": "12.5", "00282114": "ISO_15444_1" };
  const seg = read(request(sourceSeries(grid, { texts }), new Uint8Array(60).fill(1), 1));
  assert.deepEqual(
    ["x00282110", "x00282112", "x00282114"].map((tag) => seg.string(tag)),
    ["01", "12.5", "ISO_15444_1"],
  );
  assert.equal(read(twoStructures()).string("x00282110"), "00");
});

test("nothing found becomes one frame of zeros and every structure of the model when that is asked for", () => {
  const nothing = request(sourceSeries(grid), new Uint8Array(60), 9);
  const seg = read({ ...nothing, emptyFrame: true });
  assert.deepEqual(
    items(seg, "x00620002").map((segment) => segment.uint16("x00620004")),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  const [frame, ...others] = items(seg, "x52009230");
  assert.deepEqual([seg.string("x00280008"), others.length], ["1", 0]);
  assert.equal(items(frame!, "x0062000a")[0]!.uint16("x0062000b"), 1);
  assert.equal(items(frame!, "x00209113")[0]!.string("x00200032"), "-199.609375\\-180.25\\-1042.3");
  const { dataOffset, length } = seg.elements.x7fe00010!;
  assert.deepEqual([...seg.byteArray.subarray(dataOffset, dataOffset + length)], [0, 0, 0, 0]); // 20 bits, padded to an even length
  assert.ok(bytesOf({ ...twoStructures(), emptyFrame: true }).equals(bytesOf(twoStructures())), "what was found is written as always");
});

test("what cannot be a right SEG is refused before the first byte", () => {
  const right = twoStructures();
  const shifted = { ...grid, origin: [-199.6, -180.25, -1042.3] as const };
  const refused = (code: string, change: Partial<typeof right>) =>
    assert.throws(() => encodeSeg({ ...right, ...change }), { name: "RefusedError", code });
  refused("segmentation-empty", { labelMap: { grid, labels: new Uint8Array(60) } });
  refused("label-unknown", { labelMap: { grid, labels: new Uint8Array(60).fill(10) } });
  refused("grid-differs", { labelMap: { grid: axialGrid(4, 5, 3), labels: new Uint8Array(60).fill(1) } });
  refused("grid-differs", { labelMap: { grid: shifted, labels: right.labelMap.labels } });
  refused("grid-differs", { labelMap: { grid, labels: new Uint8Array(40).fill(1) } });
  refused("grid-differs", { source: { ...right.source, slices: right.source.slices.slice(1) } });
  refused("study-uid-missing", { source: sourceSeries(grid, { texts: { ...plainTexts, "0020000d": "" } }) });
  refused("series-uid-missing", { source: sourceSeries(grid, { texts: { ...plainTexts, "0020000e": "" } }) });
  refused("uid-invalid", { source: sourceSeries(grid, { texts: { ...plainTexts, "0020000d": "1.2.x" } }) });
});

test("more frames than a file's lengths can say are refused", () => {
  // 255 structures, each with a voxel in every one of 525 slices of 512 x 512 pixels: 4.09 GiB of bits.
  const large = axialGrid(512, 512, 525);
  const labels = new Uint8Array(512 * 512 * 525);
  for (let k = 0; k < 525; k++) for (let label = 1; label <= 255; label++) labels[512 * 512 * k + label] = label;
  assert.throws(() => encodeSeg(request(sourceSeries(large), labels, 255)), {
    code: "segmentation-too-large",
    message: /133875 frames need 4\.1 GiB/,
  });
});
