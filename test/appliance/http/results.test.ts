import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ImagesInfo } from "../../../appliance/api/series.ts";
import type { Provenance } from "../../../appliance/pipeline/provenance.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { moveResult } from "../../../appliance/store/results.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, type Slices, startBox } from "./box.ts";

let box: Box;
let cookie: string;
before(async () => {
  box = await startBox();
  cookie = await box.signIn("reviewer");
});
after(() => box.close());

const images: ImagesInfo = {
  dims: [4, 3, 5],
  spacingMm: [0.5, 0.5, 2],
  directions: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};
/** Every voxel another value, beyond one byte and below zero. */
const slices: Slices = {
  images,
  hu: Int16Array.from({ length: 60 }, (_, at) => at * 257 - 1000),
  labels: Uint8Array.from({ length: 60 }, (_, at) => at * 4),
};

async function addReady(): Promise<number> {
  const resultId = addPendingResult(box, addSeries(box));
  await addResultFiles(box, resultId, slices);
  return resultId;
}

const get = (path: string): Promise<Response> => fetch(`${box.origin}${path}`, { headers: { cookie } });

test("each slice comes byte for byte: HU in little endian, then labels", async () => {
  const id = await addReady();
  for (let k = 0; k < 5; k++) {
    const answer = await get(`/api/results/${id}/slices/${k}`);
    assert.equal(answer.headers.get("Content-Type"), "application/octet-stream");
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(bytes.length, 36);
    for (let at = 0; at < 12; at++) {
      assert.equal(bytes.readInt16LE(2 * at), slices.hu[12 * k + at]);
      assert.equal(bytes[24 + at], slices.labels[12 * k + at]);
    }
  }
});

test("what is not the number of a slice is not found", async () => {
  const id = await addReady();
  for (const k of ["5", "-1", "1.5", "0x1", "01", "1e0", "", "99999999999", "%20", "NaN"])
    assert.equal((await get(`/api/results/${id}/slices/${k}`)).status, 404, k);
});

test("there are no slices and no files before the label map is there", async () => {
  const id = addPendingResult(box, addSeries(box));
  assert.equal((await get(`/api/results/${id}/slices/0`)).status, 404);
  assert.equal((await get(`/api/results/${id}/files/seg.dcm`)).status, 404);
});

test("a volume file that is shorter than it should be is a fault, not a shorter slice", async () => {
  const id = await addReady();
  await truncate(join(box.resultFolder(id), "volume.i16"), 100);
  assert.equal((await get(`/api/results/${id}/slices/3`)).status, 200);
  assert.equal((await get(`/api/results/${id}/slices/4`)).status, 500);
});

test("the downloads come whole, as attachments under our own ids", async () => {
  const id = await addReady();
  for (const [name, type] of [
    ["seg.dcm", "application/dicom"],
    ["rtstruct.dcm", "application/dicom"],
    ["labels.nii.gz", "application/gzip"],
    ["statistics.json", "application/json"],
  ] as const) {
    const answer = await get(`/api/results/${id}/files/${name}`);
    assert.equal(answer.headers.get("Content-Type")?.split(";")[0], type);
    assert.equal(answer.headers.get("Content-Disposition"), `attachment; filename="segbox-result-${id}-${name}"`);
    assert.equal(answer.headers.get("Content-Length"), String(`bytes of ${name}`.length));
    assert.equal(await answer.text(), `bytes of ${name}`);
  }
});

test("surfaces come in the form that the rule chose", async () => {
  const id = await addReady();
  for (const [name, type] of [
    ["surfaces.obj", "model/obj"],
    ["surfaces.mtl", "model/mtl"],
    ["surfaces-stl.zip", "application/zip"],
  ] as const) {
    assert.equal((await get(`/api/results/${id}/files/${name}`)).status, 404, name);
    await writeFile(join(box.resultFolder(id), name), "a surface");
    const answer = await get(`/api/results/${id}/files/${name}`);
    assert.equal(answer.headers.get("Content-Type"), type);
    assert.equal(await answer.text(), "a surface");
  }
});

test("how a result was made and where it went comes as one record, as it is just now", async () => {
  const id = await addReady();
  const answer = await get(`/api/results/${id}/files/provenance.json`);
  assert.equal(answer.headers.get("Content-Disposition"), `attachment; filename="segbox-result-${id}-provenance.json"`);
  const record = (await answer.json()) as Provenance;
  assert.deepEqual([record.resultId, record.rule.name, record.deliveries.length], [id, "every axial CT", 2]);
});

test("reports and notes that were written later come too, under our own names only", async () => {
  const id = await addReady();
  await writeFile(join(box.resultFolder(id), "sr-12.dcm"), "a report");
  assert.equal(await (await get(`/api/results/${id}/files/sr-12.dcm`)).text(), "a report");
  for (const name of ["sr-13.dcm", "sr-0.dcm", "sr-12.dcm.part", "model.json"])
    assert.equal((await get(`/api/results/${id}/files/${name}`)).status, 404, name);
});

test("an engineer's retry reaches the result once; where nothing failed it is refused and leaves no trace", async () => {
  const engineer = await box.signIn("engineer");
  const failed = addPendingResult(box, addSeries(box));
  moveResult(box.database, failed, "failed", { code: "slices-uneven", message: "slice 3 is missing" });
  const fine = await addReady();
  const retry = (id: number): Promise<Response> =>
    fetch(`${box.origin}/api/results/${id}/retry`, { method: "POST", headers: { cookie: engineer, Origin: box.origin } });
  assert.equal((await retry(failed)).status, 204);
  assert.deepEqual(box.retried, [failed]);
  const refused = await retry(fine);
  assert.equal(refused.status, 422);
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, "nothing-failed");
  assert.equal((await retry(999_999)).status, 404);
  const retries = listAudit(box.database, 1000).filter(({ action }) => action === "result-retried");
  assert.deepEqual(
    retries.map(({ actor, object }) => [actor, object]),
    [["user:engineer", `result:${failed}`]],
  );
});

test("who looked at images and who took a file is in the audit trail, a session's look once", async () => {
  const id = await addReady();
  for (let k = 0; k < 5; k++) await get(`/api/results/${id}/slices/${k}`);
  await get(`/api/results/${id}/files/seg.dcm`);
  const trail = listAudit(box.database, 1000).filter(({ object }) => object === `result:${id}`);
  assert.deepEqual(
    trail.map(({ actor, action, detail }) => [actor, action, detail]),
    [
      ["user:reviewer", "file-downloaded", { name: "seg.dcm" }],
      ["user:reviewer", "images-viewed", {}],
    ],
  );
});
