import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readModel } from "../../../appliance/inference/models.ts";
import { modelFilesOf } from "../../../appliance/pipeline/model-files.ts";
import { makeThresholdModel } from "../../make/threshold-model.ts";
import { temporaryFolder } from "../../peers/folder.ts";

test("of a model that another one crops for, the other's files are traced too", async () => {
  await using folder = await temporaryFolder("model-files");
  await makeThresholdModel(folder.path, "rough", (manifest) => manifest);
  const crop = { model: "rough", labels: ["liver"], marginMm: 6 };
  const fine = await readModel(await makeThresholdModel(folder.path, "fine", (manifest) => ({ ...manifest, crop })));
  const rough = await readModel(join(folder.path, "rough"));

  const own = await modelFilesOf(rough, null);
  assert.ok(own.some(({ file }) => file.endsWith(".onnx")) && own.some(({ file }) => file.endsWith("plans.json")));
  assert.ok(own.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)));
  const under = (files: typeof own) => files.map(({ file, sha256 }) => `rough/${file} ${sha256}`);
  const traced = (await modelFilesOf(fine, null)).map(({ file, sha256 }) => `${file} ${sha256}`);
  assert.equal(traced.length, 2 * own.length);
  for (const line of under(own)) assert.ok(traced.includes(line), line);
  assert.deepEqual((await modelFilesOf(rough, "rough")).length, 2 * own.length, "one that the caller names counts as well");
});
