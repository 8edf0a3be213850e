import assert from "node:assert/strict";
import { test } from "node:test";
import { arrangeSlices, type PlacedSlice } from "../../../appliance/dicom/arrange-slices.ts";
import { cross, dot, ijkToLps, type Lps, length } from "../../../appliance/volume/grid.ts";

const axial = [1, 0, 0, 0, 1, 0] as const;

function slice(position: Lps, instanceNumber: number, changes: Partial<PlacedSlice> = {}): PlacedSlice {
  return { position, orientation: axial, pixelSpacingMm: [0.7, 0.8], instanceNumber, rows: 6, columns: 8, ...changes };
}

/** Axial slices at these heights, numbered from 1. */
function axials(heights: readonly number[], changes: Partial<PlacedSlice> = {}): PlacedSlice[] {
  return heights.map((z, index) => slice([-10, -20, z], index + 1, changes));
}

test("slices in any order make a grid from the lowest along the normal, pixel spacing by rows and columns", () => {
  const { grid, sorted } = arrangeSlices(axials([10, 5, 7.5]));
  assert.deepEqual(grid, {
    dims: [8, 6, 3],
    origin: [-10, -20, 5],
    steps: [
      [0.8, 0, 0],
      [0, 0.7, 0],
      [0, 0, 2.5],
    ],
  });
  assert.deepEqual(
    sorted.map(({ instanceNumber }) => instanceNumber),
    [2, 3, 1],
  );
});

/** How patients and gantries lie; each is a rotation. */
const orientations: readonly (readonly [string, PlacedSlice["orientation"]])[] = [
  ["prone, head first", [-1, 0, 0, 0, -1, 0]],
  ["feet first supine", [-1, 0, 0, 0, 1, 0]],
  ["decubitus right", [0, -1, 0, 1, 0, 0]],
  ["sagittal stack", [0, 1, 0, 0, 0, -1]],
  ["coronal stack", [1, 0, 0, 0, 0, -1]],
  ["oblique", [0.6, 0.8, 0, -0.64, 0.48, 0.6]],
];

for (const [what, orientation] of orientations)
  test(`the grid is right-handed and its k finds each slice's position: ${what}`, () => {
    const [a, b, c, d, e, f] = orientation;
    const normal = cross([a, b, c], [d, e, f]);
    const slices = [3, 0, 2, 1].map((at) => slice([5 + normal[0] * 2 * at, normal[1] * 2 * at, normal[2] * 2 * at], at, { orientation }));
    const { grid, sorted } = arrangeSlices(slices);
    assert.ok(dot(cross(grid.steps[0], grid.steps[1]), grid.steps[2]) > 0);
    for (const [k, { position }] of sorted.entries())
      for (const axis of [0, 1, 2] as const) assert.ok(Math.abs(ijkToLps(grid, [0, 0, k])[axis] - position[axis]) < 1e-9);
  });

test("rounded direction cosines still make right angles and true pixel spacings", () => {
  const orientation = [0.7074, 0.7068, 0, -0.3537, 0.3533, 0.8661] as const;
  const { grid } = arrangeSlices([0, 1, 2].map((k) => slice([0.6122 * 2 * k, -0.6127 * 2 * k, 0.4999 * 2 * k], k, { orientation })));
  assert.ok(Math.abs(dot(grid.steps[0], grid.steps[1])) < 1e-12);
  assert.ok(Math.abs(length(grid.steps[0]) - 0.8) < 1e-12 && Math.abs(length(grid.steps[1]) - 0.7) < 1e-12);
});

test("a missing slice is refused, and the message names the place", () => {
  assert.throws(() => arrangeSlices(axials([0, 5, 10, 20, 25])), {
    code: "slices-uneven",
    message: "expected slices every 5.00 mm, found 10.00 mm after instance 3 at 10.00 mm",
  });
  assert.throws(() => arrangeSlices(axials([0, 10, 15, 25, 30, 35])), {
    message: /10\.00 mm after instance 1 at 0\.00 mm, and 1 more gaps/,
  });
});

test("positions rounded to a tenth of a millimetre are even, as scanners write 0.625 mm spacing", () => {
  const heights = Array.from({ length: 200 }, (_, k) => Math.round(k * 6.25) / 10);
  assert.ok(Math.abs(arrangeSlices(axials(heights)).grid.steps[2][2] - 0.625) < 1e-3);
});

test("a slice a fifth of a millimetre out of step is refused", () => {
  assert.throws(() => arrangeSlices(axials([0, 5, 10.2, 15, 20])), {
    code: "slices-uneven",
    message: /instance 3 at 10\.20 mm is 0\.20 mm off an even spacing of 5\.00 mm/,
  });
});

test("a spacing that changes slowly is refused", () => {
  assert.throws(() => arrangeSlices(axials([0, 1, 2.1, 3.3, 4.6, 6])), { code: "slices-uneven" });
});

test("two images at one position are refused", () => {
  assert.throws(() => arrangeSlices(axials([0, 5, 5, 10])), {
    code: "slices-not-a-volume",
    message: /4 images lie at 3 position\(s\): instance 2 and instance 3/,
  });
});

test("fewer than three slices are refused: two of them hide every gap", () => {
  assert.throws(() => arrangeSlices([]), { code: "too-few-slices" });
  assert.throws(() => arrangeSlices(axials([0])), { code: "single-slice" });
  assert.throws(() => arrangeSlices(axials([0, 5])), { code: "too-few-slices" });
});

test("mixed sizes, spacings and orientations are refused", () => {
  const others = axials([0, 5, 10]);
  const refused = (changes: Partial<PlacedSlice>, code: string): void =>
    assert.throws(() => arrangeSlices([...others, slice([-10, -20, 15], 4, changes)]), { code, message: /instance 4$/ });
  refused({ rows: 7 }, "sizes-mixed");
  refused({ pixelSpacingMm: [0.7, 0.81] }, "spacings-mixed");
  refused({ orientation: [1, 0, 0, 0, 0.999, 0.045] }, "orientations-mixed");
  assert.throws(() => arrangeSlices(axials([0, 5, 10], { orientation: [1, 0, 0, 1, 0, 0] })), { code: "orientation-invalid" });
});

test("a slice beside the line of the others is refused", () => {
  assert.throws(() => arrangeSlices([...axials([0, 5, 15]), slice([-9, -20, 10], 9)]), {
    code: "slices-misaligned",
    message: /instance 9 lies 1\.00 mm beside/,
  });
});

test("a gantry tilt is refused with its angle; half a degree makes a sheared grid and a note", () => {
  const sheared = (degrees: number): PlacedSlice[] => {
    const lateral = 2 * Math.tan((degrees * Math.PI) / 180);
    return [0, 1, 2, 3].map((k) => slice([0, k * lateral, k * 2], k));
  };
  assert.throws(() => arrangeSlices(sheared(-18.5)), { code: "gantry-tilt", message: /18\.5 degrees/ });
  const { grid, notes } = arrangeSlices(sheared(0.5));
  assert.ok(Math.abs(grid.steps[2][1] - 0.01745) < 1e-4);
  assert.deepEqual(notes, ["slices are sheared by 0.50 degrees; the grid follows them"]);
});

test("a size that no memory holds is refused", () => {
  assert.throws(() => arrangeSlices(axials([0, 5, 10], { rows: 65535, columns: 65535 })), { code: "volume-too-large" });
});
