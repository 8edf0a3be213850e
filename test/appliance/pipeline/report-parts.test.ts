import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import type { StructureMeasure } from "../../../appliance/domain/result.ts";
import { measuredStructures, missingChecks } from "../../../appliance/pipeline/report-parts.ts";

const labels = [
  { value: 1, name: "kidney_left", title: "Left kidney" },
  { value: 2, name: "kidney_right", title: "Right kidney" },
];
const model = { labels } as unknown as ModelManifest; // the rules look at no more of a label
const kidney = (value: number, volumeMl: number): StructureMeasure => ({
  value,
  voxels: 1000,
  volumeMl,
  meanHu: 40,
  touchesBorder: false,
  centreIjk: [1, 1, 1],
});

test("a structure that is missing is told of in a sentence, one that was found by its flags, and each once", () => {
  assert.deepEqual(missingChecks([kidney(2, 150)], model), ["Left kidney was not found, Right kidney was, and is not cut off"]);
  assert.deepEqual(missingChecks([kidney(1, 150), kidney(2, 2)], model), []);
  assert.deepEqual(
    measuredStructures([kidney(1, 150), kidney(2, 2)], model).map(({ flags }) => flags.map(({ code }) => code)),
    [[], ["volume-implausible"]],
  );
});
