import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { CheckFiles } from "../../../appliance/pipeline/check-files.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { deleteSeries } from "../../../appliance/store/removals.ts";
import { getSeries, listInstances } from "../../../appliance/store/series.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { pipelineSteps } from "./steps.ts";

const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 5 };
const images = makeCtSeries({ name: "checked" });

/** A box that has received a series, as a start finds it. */
async function received() {
  const box = await pipelineSteps();
  const options = { ...box, onSeries: () => {}, onBytes: () => {}, wake: () => {}, folder: dataFolder(box.folder), aeTitle: "SEGBOX" };
  const store = async (bytes: Uint8Array): Promise<void> => {
    const { dataSetOffset, ...meta } = readFileMeta(bytes);
    const sink = await openInstance({ ...meta, peer }, options);
    await sink.write(bytes.subarray(dataSetOffset));
    await sink.commit();
  };
  for (const { bytes } of images) await store(bytes);
  /** What a check finds; `meanwhile` is done after its survey. */
  const check = async (meanwhile = async (): Promise<void> => {}) => {
    const files = await CheckFiles.survey(options);
    await meanwhile();
    files.start();
    while (files.found === null) await new Promise((resolve) => setTimeout(resolve, 5));
    await files.stop();
    const { checkedAt: _, ...found } = files.found;
    return found;
  };
  const digests = listInstances(box.database, 1).map(({ digest }) => digest);
  const isThere = async (): Promise<boolean[]> => Promise.all(digests.map((digest) => box.objects.isThere(digest)));
  const aside = (kind: "objects" | "results") => readdir(join(options.folder.quarantine, kind)).catch(() => []);
  return { ...box, store, check, digests, isThere, aside, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

const clean = { files: 5, adopted: 0, quarantined: 0, missing: [], damagedResults: [] };

test("where files and rows agree nothing is touched", async () => {
  await using box = await received();
  assert.deepEqual(await box.check(), clean);
  assert.deepEqual(
    listAudit(box.database, 10).map(({ action }) => action),
    ["series-arriving"],
  );
});

test("a file whose row was never written is taken back as the image that it is, from its sender", async () => {
  await using box = await received();
  box.database.run("delete from instance where sop_instance_uid = ?", images[2]!.sopInstanceUid);
  assert.deepEqual(await box.check(), { ...clean, adopted: 1 });
  assert.deepEqual(
    listInstances(box.database, 1)
      .map(({ digest }) => digest)
      .toSorted(),
    box.digests.toSorted(),
  );
  assert.equal(listAudit(box.database, 1)[0]!.action, "files-checked");
  assert.deepEqual(await box.check(), clean, "once");
});

test("a database from before the series gets it back, with the job that will judge it", async () => {
  await using box = await received();
  box.database.run("delete from series");
  box.database.run("delete from job");
  assert.deepEqual(await box.check(), { ...clean, adopted: 5 });
  const series = getSeries(box.database, 2)!;
  assert.deepEqual([series.instanceCount, series.callingAeTitle, series.state], [5, "CT1", "receiving"]);
  assert.ok(box.waiting().some(({ key }) => key === "close-series:2"));
});

test("a file that is not what its name says is moved aside, not deleted", async () => {
  await using box = await received();
  const name = "ab".repeat(32);
  await writeFile(box.objects.path(name), "no DICOM at all");
  const path = box.objects.path(box.digests[0]!);
  const bytes = await readFile(path);
  box.database.run("delete from instance where digest = ?", box.digests[0]!);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  assert.deepEqual(await box.check(), { ...clean, files: 6, quarantined: 2 });
  assert.deepEqual((await box.aside("objects")).toSorted(), [`${box.digests[0]}.dcm`, `${name}.dcm`].toSorted());
});

test("an image whose file is gone is missing until it comes again", async () => {
  await using box = await received();
  await rm(box.objects.path(box.digests[1]!));
  assert.deepEqual(await box.check(), { ...clean, files: 4, missing: [{ seriesId: 1, images: 1 }] });
  assert.equal(getSeries(box.database, 1)!.missingImages, 1);
  await box.store(images[1]!.bytes);
  assert.equal(getSeries(box.database, 1)!.missingImages, 0);
  assert.deepEqual([await box.check(), await box.isThere()], [clean, Array(5).fill(true)]);
});

test("a file that was cut short is moved aside, so that the image can come again", async () => {
  await using box = await received();
  await truncate(box.objects.path(box.digests[1]!), 700);
  assert.deepEqual(await box.check(), { ...clean, quarantined: 1, missing: [{ seriesId: 1, images: 1 }] });
  assert.deepEqual(await box.aside("objects"), [`${box.digests[1]}.dcm`]);
  await box.store(images[1]!.bytes);
  assert.deepEqual(await box.check(), clean);
});

test("a file with another head than its row says is the same image, and its row is mended", async () => {
  await using box = await received();
  box.database.run("update instance set size_bytes = size_bytes + 2 where digest = ?", box.digests[1]!);
  assert.deepEqual(await box.check(), clean);
  assert.equal(listInstances(box.database, 1)[1]!.sizeBytes, (await readFile(box.objects.path(box.digests[1]!))).length);
});

test("files that wait to be deleted, and those of a series that is deleted meanwhile, are none of the check's business", async () => {
  await using box = await received();
  deleteSeries(box.database, 1, 1);
  assert.deepEqual(await box.check(), clean, "they are not taken back");
  assert.equal(getSeries(box.database, 1), undefined);
  await using other = await received();
  await truncate(other.objects.path(other.digests[1]!), 700);
  assert.deepEqual(await other.check(async () => deleteSeries(other.database, 1, 1)), clean);
});

test("a folder of a result that nobody knows is moved aside, and one that lacks its file is said", async () => {
  await using box = await received();
  await mkdir(join(box.folder, "results", "77"), { recursive: true });
  await writeFile(join(box.folder, "results", "77", "seg.dcm"), "bytes");
  box.database.run(
    `insert into result (series_id, rule_name, rule, model_name, model_version, input_digest, state, uids, written, created_at)
     values (1, 'r', '{}', 'm', '1', 'd', 'ready', '{}', '["seg","rtstruct"]', 1)`,
  );
  await mkdir(join(box.folder, "results", "1"));
  await writeFile(join(box.folder, "results", "1", "seg.dcm"), "bytes");
  assert.deepEqual(await box.check(), {
    ...clean,
    quarantined: 1,
    damagedResults: [{ resultId: 1, seriesId: 1, files: ["rtstruct.dcm"] }],
  });
  assert.match((await box.aside("results")).join(), /^77-\d+$/);
});
