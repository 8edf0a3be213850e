import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { loadModel } from "../../../appliance/inference/models.ts";
import { mintUids } from "../../../appliance/pipeline/outputs.ts";
import { listDeliveries } from "../../../appliance/store/deliveries.ts";
import { addResult, getResult, setSegmented } from "../../../appliance/store/results.ts";
import { addInstance, inputDigest, listInstances } from "../../../appliance/store/series.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { arrival, axialRule, newResult } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

const modelFolder = join(import.meta.dirname, "../../../models/reference");
const device = { manufacturer: "Segbox", modelName: "Segbox", deviceSerialNumber: "1", softwareVersions: ["0.1.0"], stationName: "" };
const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: ["a note"] };

/** A received series of 8 x 6 x 5 voxels whose label map holds one block; the CT volume beside it, which pictures need, is lost. */
async function segmentedWithoutVolume() {
  const box = await pipelineSteps({ modelFolder, device });
  const { database } = box;
  let seriesId = 0;
  for (const [n, { sopInstanceUid, bytes }] of makeCtSeries().entries()) {
    const digest = createHash("sha256")
      .update(bytes.subarray(readFileMeta(bytes).dataSetOffset))
      .digest("hex");
    const made = arrival(n + 1);
    ({ seriesId } = addInstance(database, { ...made, instance: { ...made.instance, sopInstanceUid, digest } }));
    await mkdir(dirname(box.objects.path(digest)), { recursive: true });
    await writeFile(box.objects.path(digest), bytes);
  }
  const { manifest } = await loadModel(modelFolder);
  const destinations = [{ node: "pacs", send: ["seg", ["pdf", "rtstruct"], "secondary-capture"] }] as const;
  const rule = { ...axialRule, outputs: [], destinations };
  const resultId = addResult(
    database,
    newResult(seriesId, inputDigest(listInstances(database, seriesId)), { rule, modelVersion: manifest.version, uids: mintUids() }),
  )!;
  const label = manifest.labels[0]!.value;
  const labels = new Uint8Array(8 * 6 * 5);
  for (let k = 1; k < 4; k++) for (let j = 2; j < 5; j++) labels.fill(label, 2 + 8 * (j + 6 * k), 6 + 8 * (j + 6 * k));
  await mkdir(box.resultFolder(resultId), { recursive: true });
  await writeFile(join(box.resultFolder(resultId), "labels.u8"), labels);
  const measure = { value: label, voxels: 36, volumeMl: 0.05, meanHu: 0, touchesBorder: false, centreIjk: [4, 3, 2] } as const;
  setSegmented(database, resultId, [measure], record);
  return { ...box, resultId, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

test("where one kind of object can't be written the others are, and go out; the reason is kept where the missing one is looked for", async () => {
  await using box = await segmentedWithoutVolume();
  await box.run("encode", box);
  const result = getResult(box.database, box.resultId)!;
  assert.equal(result.state, "ready");
  const why = "could not be written: a fault in this program; its log tells more";
  assert.deepEqual(result.record!.notes, ["a note", `Secondary capture ${why}`, `PDF report ${why}`]);
  assert.deepEqual(
    listDeliveries(box.database, box.resultId).map(({ output, state, refusals, reason }) => [
      output,
      state,
      refusals.map((refusal) => [refusal.output, refusal.reason.code]),
      reason?.code,
    ]),
    [
      ["seg", "waiting", [], undefined],
      ["rtstruct", "waiting", [["pdf", "output-failed"]], undefined],
      ["secondary-capture", "failed", [], "output-failed"],
    ],
  );
  assert.equal(box.waiting().filter(({ key }) => key.startsWith("deliver")).length, 2);
  const files = await readdir(box.resultFolder(box.resultId));
  assert.ok(["seg.dcm", "rtstruct.dcm", "labels.nii.gz"].every((name) => files.includes(name)) && !files.includes("report.dcm"));
});
