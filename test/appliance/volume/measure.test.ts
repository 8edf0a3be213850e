import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Grid } from "../../../appliance/volume/grid.ts";
import { measureLabels } from "../../../appliance/volume/measure.ts";

// 2 x 2 x 5 mm voxels, i towards Left, j towards Posterior, k towards Superior.
const grid: Grid = {
  dims: [4, 4, 4],
  origin: [-10, -20, 100],
  steps: [
    [2, 0, 0],
    [0, 2, 0],
    [0, 0, 5],
  ],
};

test("volume, mean HU, place and contact with the border, by hand", () => {
  const labels = new Uint8Array(64);
  const hu = new Int16Array(64).fill(-1000);
  const set = (i: number, j: number, k: number, label: number, value: number): void => {
    labels[i + 4 * (j + 4 * k)] = label;
    hu[i + 4 * (j + 4 * k)] = value;
  };
  set(1, 1, 1, 2, 40);
  set(2, 1, 1, 2, 60);
  set(1, 2, 2, 200, -30);
  set(1, 3, 2, 200, -31);
  assert.deepEqual(measureLabels({ grid, hu }, { grid, labels }), [
    { value: 2, voxels: 2, volumeMl: 0.04, meanHu: 50, touchesBorder: false, centre: [-7, -18, 105] },
    { value: 200, voxels: 2, volumeMl: 0.04, meanHu: -30.5, touchesBorder: true, centre: [-8, -15, 110] },
  ]);
});

test("each of the six faces counts as border, the layer below does not", () => {
  for (let at = 0; at < 64; at++) {
    const index = [at % 4, Math.floor(at / 4) % 4, Math.floor(at / 16)];
    const labels = new Uint8Array(64);
    labels[at] = 1;
    const [measure] = measureLabels({ grid, hu: new Int16Array(64) }, { grid, labels });
    assert.equal(
      measure!.touchesBorder,
      index.some((n) => n === 0 || n === 3),
      String(index),
    );
  }
});

test("without labels there is nothing to report", () => {
  assert.deepEqual(measureLabels({ grid, hu: new Int16Array(64) }, { grid, labels: new Uint8Array(64) }), []);
});

test("a label map of another grid is not measured", () => {
  const other: Grid = { ...grid, dims: [4, 8, 2] };
  assert.throws(() => measureLabels({ grid, hu: new Int16Array(64) }, { grid: other, labels: new Uint8Array(64) }), /not on one grid/);
});

test("measures are those of the voxels taken one by one", () => {
  const label = fc.integer({ min: 0, max: 2 });
  fc.assert(
    fc.property(fc.array(label, { minLength: 64, maxLength: 64 }), fc.int16Array({ minLength: 64, maxLength: 64 }), (values, hu) => {
      const found = measureLabels({ grid, hu }, { grid, labels: Uint8Array.from(values) });
      const expected = [1, 2].flatMap((value) => {
        const at = values.flatMap((other, index) => (other === value ? [index] : []));
        if (at.length === 0) return [];
        const mean = (of: (index: number) => number): number => at.reduce((sum, index) => sum + of(index), 0) / at.length;
        const centre = [
          mean((n) => n % 4) * 2 - 10,
          mean((n) => Math.floor(n / 4) % 4) * 2 - 20,
          mean((n) => Math.floor(n / 16)) * 5 + 100,
        ];
        return [{ value, voxels: at.length, meanHu: mean((n) => hu[n]!), centre }];
      });
      assert.equal(found.length, expected.length);
      for (const [n, { value, voxels, meanHu, centre }] of expected.entries()) {
        assert.deepEqual([found[n]!.value, found[n]!.voxels, found[n]!.meanHu], [value, voxels, meanHu]);
        for (const [axis, mm] of centre.entries()) assert.ok(Math.abs(found[n]!.centre[axis]! - mm) < 1e-9);
      }
    }),
  );
});
