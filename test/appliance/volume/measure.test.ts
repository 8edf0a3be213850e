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

test("volume, HU, place, extent and contact with the border, by hand", () => {
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
  set(2, 3, 3, 200, 121);
  assert.deepEqual(measureLabels({ grid, hu }, { grid, labels }), [
    {
      value: 2,
      voxels: 2,
      volumeMl: 0.04,
      meanHu: 50,
      sdHu: 10,
      minHu: 40,
      maxHu: 60,
      medianHu: 50,
      touchesBorder: false,
      centre: [-7, -18, 105],
      box: { start: [1, 1, 1], dims: [2, 1, 1] },
    },
    {
      value: 200,
      voxels: 3,
      volumeMl: 0.06,
      meanHu: 20, // -30, -31, 121
      sdHu: Math.sqrt((50 ** 2 + 51 ** 2 + 101 ** 2) / 3),
      minHu: -31,
      maxHu: 121,
      medianHu: -30,
      touchesBorder: true,
      centre: [-10 + 2 * (4 / 3), -20 + 2 * (8 / 3), 100 + 5 * (7 / 3)],
      box: { start: [1, 2, 2], dims: [2, 2, 2] },
    },
  ]);
});

test("the ends of int16 are counted as any other value", () => {
  const labels = new Uint8Array(64).fill(1);
  const hu = new Int16Array(64).fill(-32768, 0, 32).fill(32767, 32);
  const [measure] = measureLabels({ grid, hu }, { grid, labels });
  assert.deepEqual(
    [measure!.minHu, measure!.maxHu, measure!.meanHu, measure!.medianHu, measure!.sdHu],
    [-32768, 32767, -0.5, -0.5, 32767.5],
  );
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
        const meanHu = mean((n) => hu[n]!);
        const sorted = at.map((n) => hu[n]!).sort((a, b) => a - b);
        const medianHu = (sorted[(at.length - 1) >> 1]! + sorted[at.length >> 1]!) / 2;
        const sdHu = Math.sqrt(mean((n) => (hu[n]! - meanHu) ** 2));
        const [is, js, ks] = [at.map((n) => n % 4), at.map((n) => Math.floor(n / 4) % 4), at.map((n) => Math.floor(n / 16))];
        const start = [is, js, ks].map((along) => Math.min(...along));
        const box = { start, dims: [is, js, ks].map((along, axis) => Math.max(...along) - start[axis]! + 1) };
        return [{ value, voxels: at.length, meanHu, medianHu, sdHu, minHu: sorted[0]!, maxHu: sorted.at(-1)!, centre, box }];
      });
      assert.equal(found.length, expected.length);
      for (const [n, { value, voxels, meanHu, medianHu, sdHu, minHu, maxHu, centre, box }] of expected.entries()) {
        const { sdHu: foundSd, ...rest } = found[n]!;
        assert.deepEqual(
          [rest.value, rest.voxels, rest.meanHu, rest.medianHu, rest.minHu, rest.maxHu, rest.box],
          [value, voxels, meanHu, medianHu, minHu, maxHu, box],
        );
        assert.ok(Math.abs(foundSd - sdHu) < 1e-7);
        for (const [axis, mm] of centre.entries()) assert.ok(Math.abs(found[n]!.centre[axis]! - mm) < 1e-9);
      }
    }),
  );
});
