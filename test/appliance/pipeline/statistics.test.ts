import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import { statisticsOf } from "../../../appliance/pipeline/statistics.ts";

const model = { labels: [{ value: 1, name: "lungs" }] } as unknown as ModelManifest; // statistics look at no more of it
const measure = { value: 1, voxels: 9, volumeMl: 1.23456, meanHu: -812.346, touchesBorder: true, centreIjk: [0, 0, 0] } as const;

test("statistics are in mm3, ml and HU, rounded, by the model's names; what was not found is left out", () => {
  assert.deepEqual(statisticsOf(model, [measure]), {
    lungs: { volume: 1234.6, intensity: -812.35, volume_ml: 1.235, truncated: true, flags: ["truncated"] },
  });
  assert.deepEqual(statisticsOf(model, []), {});
});

test("median, spread and extremes are written where they were measured", () => {
  const { lungs } = statisticsOf(model, [{ ...measure, medianHu: -830.5, sdHu: 41.2367, minHu: -1024, maxHu: 80 }]);
  assert.deepEqual([lungs?.intensity_median, lungs?.intensity_sd, lungs?.intensity_min, lungs?.intensity_max], [-830.5, 41.24, -1024, 80]);
});

test("flags stand with the structure that they are about", () => {
  const { lungs } = statisticsOf(model, [{ ...measure, meanHu: 45, touchesBorder: false }]);
  assert.deepEqual(lungs?.flags, ["volume-implausible", "hu-implausible"]);
});

test("what is missing between its neighbours has an entry without volume, what is missing otherwise has none", () => {
  const names = ["rib_left_3", "rib_left_4", "rib_left_5", "rib_left_6"];
  const ribs = { labels: names.map((name, index) => ({ value: index + 1, name })) } as unknown as ModelManifest;
  const found = [1, 3].map((value) => ({ ...measure, value, volumeMl: 9, meanHu: 400 }));
  const statistics = statisticsOf(ribs, found);
  assert.deepEqual(Object.keys(statistics), ["rib_left_3", "rib_left_5", "rib_left_4"]);
  assert.deepEqual(statistics.rib_left_4, { volume: 0, intensity: null, volume_ml: 0, truncated: false, flags: ["missing-between"] });
});

test("a label that the model does not name goes by its number", () => {
  assert.deepEqual(Object.keys(statisticsOf(model, [{ ...measure, value: 7 }])), ["label_7"]);
});
