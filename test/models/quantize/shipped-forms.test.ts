import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { accuracyLimits } from "../../../appliance/domain/accuracy.ts";
import { readAccuracy } from "../../../appliance/inference/accuracy-file.ts";
import { loadModel } from "../../../appliance/inference/models.ts";

const models = join(import.meta.dirname, "../../../models");
const digestOf = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

for (const name of ["reference", "headneck-oar"])
  test(`${name} ships the INT8 form that passed the gate, judged by CTs that it was not made with`, async () => {
    const folder = join(models, name);
    const { manifest } = await loadModel(folder);
    const record = (await readAccuracy(folder))!;
    assert.equal(record.outcome, "passed");
    const calibrated = new Set(record.calibration.cts);
    assert.ok(calibrated.size >= 8 && record.holdout.cts.length >= 12 && record.holdout.cts.every((ct) => !calibrated.has(ct)));
    for (const [n, { networks }] of manifest.parts.entries()) {
      const [first] = networks;
      const { int8Sha256, fp32Sha256, againstFp32 } = record.parts[n]!;
      assert.deepEqual([first!.precision, first!.barred, first!.sha256], ["int8", undefined, int8Sha256]);
      assert.equal(await digestOf(join(folder, first!.file)), int8Sha256);
      assert.equal(await digestOf(join(folder, networks.find(({ precision }) => precision === "fp32")!.file)), fp32Sha256);
      assert.ok(againstFp32!.meanDice >= accuracyLimits.meanDice && againstFp32!.worstDice >= accuracyLimits.worstDice);
    }
  });
