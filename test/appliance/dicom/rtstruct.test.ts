import assert from "node:assert/strict";
import { test } from "node:test";
import dicomParser from "dicom-parser";
import { encodeRtstruct } from "../../../appliance/dicom/rtstruct.ts";
import { axialGrid, noiseLabels, obliqueGrid, request, sourceSeries } from "../../make/result-request.ts";

const grid = axialGrid(6, 4, 3);
const read = (from: Parameters<typeof encodeRtstruct>[0]) =>
  dicomParser.parseDicom(Buffer.concat([...encodeRtstruct({ ...from, encoding: "explicit" })]));
const items = (data: dicomParser.DataSet, tag: string) => data.elements[tag]?.items?.map(({ dataSet }) => dataSet!) ?? [];

/** Label 2 of 9: one voxel at (3, 1, 2). */
function oneVoxel() {
  const labels = new Uint8Array(72);
  labels[3 + 6 * (1 + 4 * 2)] = 2;
  return request(sourceSeries(grid), labels, 9);
}

test("a voxel becomes a diamond in millimetres on its slice, and refers to that slice's image", () => {
  const rt = read(oneVoxel());
  const [roi, ...others] = items(rt, "x30060039");
  assert.deepEqual(others, []);
  const [contour] = items(roi!, "x30060040");
  const points = contour!.string("x30060050")!.split("\\").map(Number);
  // Origin -199.609375, -180.25, -1042.3; pixels 0.78125; slices 2.5; half a pixel is 0.3906.
  const centre = [-199.609375 + 3 * 0.78125, -180.25 + 0.78125, -1042.3 + 5];
  const offsets = Array.from({ length: 4 }, (_, point) => [0, 1, 2].map((axis) => points[3 * point + axis]! - centre[axis]!));
  for (const [x, y, z] of offsets) {
    assert.ok(Math.abs(Math.abs(x!) + Math.abs(y!) - 0.390625) < 1e-4); // written to a ten-thousandth of a millimetre
    assert.ok(Math.abs(z!) < 1e-9);
  }
  assert.equal(contour!.string("x30060046"), "4");
  assert.equal(items(contour!, "x30060016")[0]!.string("x00081155"), "1.2.826.0.1.3680043.8.498.4.3");
});

test("a structure has its name, colour, code with laterality, interpreted type and volume, under one number", () => {
  const rt = read(oneVoxel());
  const [structure] = items(rt, "x30060020");
  const [observation] = items(rt, "x30060080");
  assert.deepEqual(
    ["x30060022", "x30060026", "x30060036", "x3006002c"].map((tag) => structure!.string(tag)),
    ["1", "Right kidney 2", "AUTOMATIC", "0.0015"], // 0.78125 x 0.78125 x 2.5 mm3
  );
  assert.equal(items(rt, "x30060039")[0]!.string("x3006002a"), "0\\151\\206");
  assert.deepEqual([observation!.string("x30060084"), observation!.string("x300600a4")], ["1", "ORGAN"]);
  const [code] = items(observation!, "x30060086");
  assert.deepEqual([code!.string("x00080100"), items(code!, "x00620011")[0]!.string("x00080104")], ["64033007", "Right"]);
  assert.equal(rt.string("x300e0002"), "UNAPPROVED");
});

test("holes can be contours of their own: then all contours of that structure say so, and of no other one", () => {
  const wide = axialGrid(5, 5, 2);
  const labels = new Uint8Array(50);
  labels.fill(1, 0, 25); // 5 x 5 with a hole, in the first slice
  labels[12] = 0;
  labels[25] = 1; // without one, in the second
  labels[26] = 2;
  const made = request(sourceSeries(wide), labels, 2);
  const types = (rt: dicomParser.DataSet) =>
    items(rt, "x30060039").map((roi) => items(roi, "x30060040").map((contour) => contour.string("x30060042")));
  const inner = read({ ...made, holes: "inner-xor", simplifyMm: 0.1 });
  assert.deepEqual(types(inner), [["CLOSEDPLANAR_XOR", "CLOSEDPLANAR_XOR", "CLOSEDPLANAR_XOR"], ["CLOSED_PLANAR"]]);
  assert.match(inner.string("x30060006")!, /holes are contours of their own, .*; contours simplified by at most 0\.1 mm$/);
  assert.deepEqual(types(read({ ...made, holes: "inner" })), [["CLOSED_PLANAR", "CLOSED_PLANAR", "CLOSED_PLANAR"], ["CLOSED_PLANAR"]]);
  assert.deepEqual(types(read(made)), [["CLOSED_PLANAR", "CLOSED_PLANAR"], ["CLOSED_PLANAR"]]);
});

test("study, series and images of the frame of reference are the source's", () => {
  const [frame] = items(read(oneVoxel()), "x30060010");
  assert.equal(frame!.string("x00200052"), "1.2.826.0.1.3680043.8.498.3");
  const [study] = items(frame!, "x30060012");
  assert.equal(study!.string("x00081155"), "1.2.826.0.1.3680043.8.498.1");
  const [series] = items(study!, "x30060014");
  assert.equal(series!.string("x0020000e"), "1.2.826.0.1.3680043.8.498.2");
  assert.deepEqual(
    items(series!, "x30060016").map((image) => image.string("x00081155")),
    [1, 2, 3].map((slice) => `1.2.826.0.1.3680043.8.498.4.${slice}`),
  );
});

test("noise of more than a hundred thousand islands is written too", () => {
  const wide = axialGrid(300, 300, 6);
  const labels = Uint8Array.from({ length: 300 * 300 * 6 }, (_, at) => ((at % 300) % 2 === 0 && Math.floor(at / 300) % 2 === 0 ? 1 : 0));
  const sizeBytes = [...encodeRtstruct(request(sourceSeries(wide), labels, 1))].reduce((sum, piece) => sum + piece.length, 0);
  assert.ok(sizeBytes > 135_000 * 100); // 150 x 150 islands in each of six slices
});

test("the same request gives the same bytes, implicit by default", () => {
  const oblique = obliqueGrid(9, 8, 4);
  const noisy = request(sourceSeries(oblique), noiseLabels(oblique, 3, 0.4, 3), 3);
  const file = Buffer.concat([...encodeRtstruct(noisy)]);
  assert.ok(file.equals(Buffer.concat([...encodeRtstruct(noisy)])));
  assert.equal(dicomParser.parseDicom(file, { untilTag: "x00080005" }).string("x00020010"), "1.2.840.10008.1.2");
});

test("a label map without voxels, on another grid or with a label of no meaning is refused before the first byte", () => {
  const right = oneVoxel();
  const refused = (code: string, labelMap: typeof right.labelMap) =>
    assert.throws(() => encodeRtstruct({ ...right, labelMap }), { name: "RefusedError", code });
  refused("segmentation-empty", { grid, labels: new Uint8Array(72) });
  refused("grid-differs", { grid: axialGrid(4, 6, 3), labels: new Uint8Array(72).fill(1) });
  refused("label-unknown", { grid, labels: new Uint8Array(72).fill(200) });
});

test("a structure set names the one that it takes the place of, and names none where there is none", () => {
  const [predecessor, ...others] = items(read({ ...oneVoxel(), predecessor: "2.25.77" }), "x30060018");
  assert.deepEqual(
    [predecessor!.string("x00081150"), predecessor!.string("x00081155"), others],
    ["1.2.840.10008.5.1.4.1.1.481.3", "2.25.77", []],
  );
  assert.equal(read(oneVoxel()).elements.x30060018, undefined);
});
