import assert from "node:assert/strict";
import { test } from "node:test";
import { arrangeSlices, type PlacedSlice } from "../../../appliance/dicom/arrange-slices.ts";
import { cross, dot, ijkToLps, isEven, type Lps, length } from "../../../appliance/volume/grid.ts";

const axial = [1, 0, 0, 0, 1, 0] as const;

function slice(position: Lps, instanceNumber: number, changes: Partial<PlacedSlice> = {}): PlacedSlice {
  return {
    position,
    orientation: axial,
    pixelSpacingMm: [0.7, 0.8],
    sliceThicknessMm: null,
    instanceNumber,
    rows: 6,
    columns: 8,
    ...changes,
  };
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

/** Heights of slices that are these steps apart. */
const heightsOf = (steps: readonly number[]): number[] => {
  const heights = [0];
  for (const step of steps) heights.push(heights.at(-1)! + step);
  return heights;
};

const taken: readonly (readonly [what: string, steps: readonly number[]])[] = [
  ["a slice a fifth of a millimetre out of step", [5, 5.2, 4.8, 5]],
  ["a spacing that changes slowly", [1, 1.1, 1.2, 1.3, 1.4]],
  ["thin slices of the skull base below thick ones", [2.5, 2.5, 2.5, 2.5, 5, 5, 5]],
  ["thick, thin and thick slices", [5, 5, 5, 1.25, 1.25, 1.25, 1.25, 5, 5, 5]],
  ["a step that leads over from one spacing to another", [2.5, 2.5, 4, 5, 5, 5]],
];

for (const [what, steps] of taken)
  test(`uneven slices lie where they were received, and the notes say what is done: ${what}`, () => {
    const { grid, notes } = arrangeSlices(axials(heightsOf(steps)));
    for (const [k, z] of heightsOf(steps).entries()) assert.deepEqual(ijkToLps(grid, [0, 0, k]), [-10, -20, z]);
    assert.match(notes.join(), /^slices are \d\.\d\d to \d\.\d\d mm apart: they were resampled to \d\.\d\d mm for the model/);
  });

const gaps: readonly (readonly [what: string, steps: readonly number[], message: RegExp])[] = [
  ["a single wide step", [5, 5, 10, 5, 5], /found 10\.00 mm after instance 3/],
  ["two wide steps side by side", [5, 5, 10, 10, 5, 5], /after instance 3 .* and 1 more gaps/],
  ["a wide step at the end", [2.5, 2.5, 2.5, 5], /found 5\.00 mm after instance 4/],
  ["a step that is wider than those it leads to", [2.5, 2.5, 10, 5, 5, 5], /found 10\.00 mm after instance 3/],
  ["spacings that differ too much", [1, 1, 1, 5, 5, 5], /at most 4 times the narrowest, 1\.00 mm, found 5\.00 mm after instance 4/],
];

for (const [what, steps, message] of gaps)
  test(`a gap is refused: ${what}`, () => {
    assert.throws(() => arrangeSlices(axials(heightsOf(steps))), { code: "slices-uneven", message });
  });

test("a wider spacing that leaves tissue between its slices unseen is one of missing slices; as thick slices it is meant", () => {
  const heights = heightsOf([2.5, 2.5, 2.5, 5, 5, 5, 5]);
  const thick = axials(heights, { sliceThicknessMm: 5 });
  assert.throws(() => arrangeSlices(axials(heights, { sliceThicknessMm: 2.5 })), { code: "slices-uneven", message: /and 3 more gaps/ });
  assert.equal(arrangeSlices(thick).grid.sliceOrigins?.length, heights.length);
});

test("positions that are rounded stay what they are, and count as even", () => {
  const heights = Array.from({ length: 40 }, (_, k) => Math.round(k * 6.25) / 10);
  const { grid, notes } = arrangeSlices(axials(heights));
  for (const [k, z] of heights.entries()) assert.equal(ijkToLps(grid, [0, 0, k])[2], z);
  assert.equal(isEven(grid), true);
  assert.deepEqual(notes, []);
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

const sheared = (degrees: number, heights: readonly number[] = [0, 2, 4, 6]): PlacedSlice[] => {
  const lateral = Math.tan((degrees * Math.PI) / 180);
  return heights.map((z, k) => slice([0, z * lateral, z], k));
};

test("a tilted gantry makes a sheared grid, and a note with its angle; up to a degree nothing is resampled", () => {
  for (const degrees of [-18.5, 18.5, 30]) {
    const { grid, notes } = arrangeSlices(sheared(degrees));
    assert.ok(Math.abs(grid.steps[2][1] - 2 * Math.tan((degrees * Math.PI) / 180)) < 1e-9);
    assert.equal(grid.sliceOrigins, undefined);
    assert.deepEqual(notes, [
      `slices are sheared by ${Math.abs(degrees).toFixed(1)} degrees (gantry tilt): they were straightened for the model, results are on the slices as received`,
    ]);
  }
  assert.deepEqual(arrangeSlices(sheared(0.5)).notes, ["slices are sheared by 0.50 degrees; the grid follows them"]);
});

test("a shear that no gantry makes is refused", () => {
  assert.throws(() => arrangeSlices(sheared(60)), { code: "gantry-tilt", message: /sheared by 60\.0 degrees, expected at most 45/ });
});

test("a tilted series of two spacings is both, sheared and uneven", () => {
  const heights = heightsOf([2.5, 2.5, 2.5, 5, 5, 5]);
  const { grid, notes } = arrangeSlices(sheared(20, heights));
  for (const [k, z] of heights.entries()) assert.deepEqual(ijkToLps(grid, [0, 0, k]), [0, z * Math.tan(Math.PI / 9), z]);
  assert.equal(notes.length, 2);
});

test("a size that no memory holds is refused", () => {
  assert.throws(() => arrangeSlices(axials([0, 5, 10], { rows: 65535, columns: 65535 })), { code: "volume-too-large" });
});
