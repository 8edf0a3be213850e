import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import type { RetentionSettings } from "../../../appliance/domain/retention.ts";
import { eraseStudy } from "../../../appliance/pipeline/erase-study.ts";
import { deliverJob } from "../../../appliance/pipeline/job-kinds.ts";
import { explainUid } from "../../../appliance/pipeline/provenance.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import { removeFiles } from "../../../appliance/pipeline/remove-files.ts";
import { Retention, settleSeries } from "../../../appliance/pipeline/retention.ts";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { reviewResult, supersedeEarlier } from "../../../appliance/pipeline/review.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { addDelivery, getDelivery, noteDelivery } from "../../../appliance/store/deliveries.ts";
import { addJob, claimJob } from "../../../appliance/store/jobs.ts";
import { countRemovals } from "../../../appliance/store/removals.ts";
import { addResult, getResult, moveResult, setSegmented, setWritten } from "../../../appliance/store/results.ts";
import { countTraces } from "../../../appliance/store/retained-traces.ts";
import { getSeries, inputDigest, listInstances, setSeriesState } from "../../../appliance/store/series.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { newResult } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

const day = 86_400_000;
const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 5 };
const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: [] };

/** A box that has received real images and delivered a result of them, with its files. */
async function retaining(settings: Partial<RetentionSettings> = {}) {
  const box = await pipelineSteps();
  const { database, at } = box;
  at.now = 1_000 * day;
  const changed: number[] = [];
  let freeBytes = 1e12;
  const retention = new Retention({
    ...box,
    settings: { imageDays: 30, resultDays: 90, traceDays: 3_650, startFreeBytes: 1e9, ...settings },
    freeBytes: async () => freeBytes,
    seriesChanged: (id) => changed.push(id),
  });
  const store = async (bytes: Uint8Array): Promise<void> => {
    const { dataSetOffset, ...meta } = readFileMeta(bytes);
    const sink = await openInstance({ ...meta, peer }, { ...box, onSeries: () => {}, wake: () => {} });
    try {
      await sink.write(bytes.subarray(dataSetOffset));
      await sink.commit();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  };
  const images = (name: string) => makeCtSeries({ name, patientName: "Marked^Name" });
  const receive = async (name: string): Promise<number> => {
    for (const { bytes } of images(name)) await store(bytes);
    const { id } = database.get<{ id: number }>("select max(id) as id from series")!;
    setSeriesState(database, id, "complete", null);
    database.run("delete from job");
    return id;
  };
  const makeResult = async (seriesId: number, digest = inputDigest(listInstances(database, seriesId))): Promise<number> => {
    const uids = Object.fromEntries(
      Object.keys(newResult(1, "").uids).map((key, index) => [
        key,
        { seriesInstanceUid: `2.25.${seriesId}1${index}`, sopInstanceUid: `2.25.${seriesId}2${index}` },
      ]),
    ) as ReturnType<typeof newResult>["uids"];
    const id = addResult(database, newResult(seriesId, digest, { uids, createdAt: at.now }))!;
    setSegmented(database, id, [], record);
    moveResult(database, id, "ready");
    setWritten(database, id, ["seg"]);
    await mkdir(box.resultFolder(id), { recursive: true });
    await writeFile(join(box.resultFolder(id), "seg.dcm"), "bytes of a SEG");
    return id;
  };
  const deliver = (resultId: number, state: "delivered" | "failed" | "waiting" = "delivered"): number => {
    const id = addDelivery(database, { resultId, destination: "pacs", choices: ["seg"], state: "waiting" });
    if (state !== "waiting") noteDelivery(database, id, { state, reason: null, status: null, at: at.now });
    return id;
  };
  const delivered = async (name = "one") => {
    const seriesId = await receive(name);
    const resultId = await makeResult(seriesId);
    const deliveryId = deliver(resultId);
    return { seriesId, resultId, deliveryId };
  };
  const objectFiles = async (): Promise<string[]> =>
    (await readdir(join(box.folder, "objects"), { recursive: true })).filter((name) => name.endsWith(".dcm")).sort();
  const resultFiles = () => readdir(join(box.folder, "results")).catch(() => []);
  const audit = () => listAudit(database, 20).map(({ actor, action, object, detail }) => ({ actor, action, object, detail }));
  return {
    ...box,
    ...{ retention, changed, images, store, receive, makeResult, deliver, delivered, objectFiles, resultFiles, audit },
    setFree: (bytes: number) => {
      freeBytes = bytes;
    },
    run: () => retention.run({ actor: "system" }),
    [Symbol.asyncDispose]: box[Symbol.asyncDispose],
  };
}

test("images go first, then the result; what stays explains the object in the archive, and names nobody", async () => {
  await using box = await retaining();
  const { seriesId, resultId } = await box.delivered();
  const other = await box.receive("two"); // no result: judged, and waits for its time
  box.at.now += 29 * day;
  assert.deepEqual([(await box.run()).series, (await box.objectFiles()).length], [0, 10]);

  setSeriesState(box.database, other, "receiving", null);
  box.at.now += day;
  const first = await box.run();
  assert.deepEqual([first.series, first.images, first.results, first.kept], [1, 5, 0, 1], "the other one is over age too, and arrives");
  assert.equal((await box.objectFiles()).length, 5, "those of the other series");
  assert.deepEqual(await box.resultFiles(), [String(resultId)]);
  assert.deepEqual([getSeries(box.database, seriesId)!.instanceCount, getSeries(box.database, seriesId)!.imagesRemovedAt], [0, box.at.now]);
  assert.deepEqual(box.changed, [seriesId]);

  box.at.now += 60 * day;
  await box.run();
  assert.deepEqual(await box.resultFiles(), []);
  assert.equal(getSeries(box.database, seriesId), undefined);
  assert.equal(getResult(box.database, resultId), undefined);
  const { provenance, removedAt } = explainUid(box.database, `2.25.${seriesId}20`);
  assert.equal(removedAt, new Date(box.at.now).toISOString());
  assert.deepEqual([provenance.resultId, provenance.deliveries.length, provenance.objects?.[0]?.output], [resultId, 1, "seg"]);
  assert.ok(!JSON.stringify(provenance).includes("Marked"));
  assert.deepEqual(
    box
      .audit()
      .filter(({ actor }) => actor === "system")
      .map(({ actor, action, object }) => `${actor} ${action} ${object}`),
    [`system series-deleted series:${seriesId}`, `system images-deleted series:${seriesId}`],
  );
  assert.equal(box.audit()[1]!.detail.images, 5);
  assert.equal(getSeries(box.database, other)!.instanceCount, 5);

  box.at.now += 3_651 * day;
  setSeriesState(box.database, other, "receiving", null);
  await box.run();
  assert.equal(countTraces(box.database), 0);
});

test("a series that comes again after its end begins anew under a new number, and it is told", async () => {
  await using box = await retaining();
  const { seriesId, resultId, deliveryId } = await box.delivered();
  box.at.now += 100 * day;
  await box.run();
  const again = await box.delivered();
  assert.ok(again.seriesId > seriesId && again.resultId > resultId && again.deliveryId > deliveryId, "no number is given twice");
  assert.equal(getSeries(box.database, again.seriesId)!.earlierRemovedAt, box.at.now);
  assert.equal(getResult(box.database, again.resultId)!.predecessorId, null);
});

test("a part of a series whose images were deleted replaces nothing; all of it again is the result that is there", async () => {
  await using box = await retaining();
  const { seriesId, resultId, deliveryId } = await box.delivered();
  box.at.now += 31 * day;
  await box.run();
  const [image] = box.images("one");
  await box.store(image!.bytes);
  assert.equal(getSeries(box.database, seriesId)!.state, "receiving");
  const part = await box.makeResult(seriesId);
  supersedeEarlier(box.database, getResult(box.database, part)!, box.at.now);
  assert.deepEqual([getResult(box.database, resultId)!.state, getResult(box.database, part)!.predecessorId], ["ready", null]);
  assert.equal(getDelivery(box.database, deliveryId)!.state, "delivered");

  for (const { bytes } of box.images("one")) await box.store(bytes);
  const digest = inputDigest(listInstances(box.database, seriesId));
  assert.equal(addResult(box.database, newResult(seriesId, digest)), null);
  assert.equal(getResult(box.database, resultId)!.imagesRemovedAt, null, "its images are here again");
});

test("without its images a result can be rejected and not accepted, and a failed one not tried again", async () => {
  await using box = await retaining();
  const { resultId, seriesId } = await box.delivered();
  box.at.now += 31 * day;
  await box.run();
  const review = { by: "anna", at: box.at.now, reason: "" };
  assert.throws(() => reviewResult(box.database, resultId, { ...review, verdict: "accepted" }), { code: "images-removed" });
  reviewResult(box.database, resultId, { ...review, verdict: "rejected", reason: "wrong" });
  box.database.run("update result set state = 'failed' where id = ?", resultId);
  assert.throws(() => retryResult(box.database, resultId, box.at.now), { code: "images-removed" });
  assert.ok(getSeries(box.database, seriesId));
});

test("what is not delivered stays for ever, is said, and goes when somebody settles it", async () => {
  await using box = await retaining();
  const seriesId = await box.receive("one");
  const failed = box.deliver(await box.makeResult(seriesId), "failed");
  box.at.now += 5_000 * day;
  assert.deepEqual([(await box.run()).series, (await box.retention.run({ actor: "user:a", isOrdered: true })).series], [0, 0]);
  const { usual } = await box.retention.plan();
  assert.deepEqual(
    usual.kept.map(({ seriesId, reason, canBeSettled }) => [seriesId, reason.code, canBeSettled]),
    [[seriesId, "delivery-failed", true]],
  );
  settleSeries(box.database, seriesId, { actor: "user:a", at: box.at.now });
  assert.equal(getDelivery(box.database, failed)!.state, "withdrawn");
  assert.throws(() => settleSeries(box.database, seriesId, { actor: "user:a", at: box.at.now }), { code: "nothing-to-settle" });
  assert.equal((await box.run()).series, 0, "its time begins with the word of a person");
  box.at.now += 90 * day;
  assert.equal((await box.run()).series, 1);
  assert.equal((await box.objectFiles()).length, 0);
});

test("a low disk makes room by itself; an order takes all that may go, and says who gave it", async () => {
  await using box = await retaining();
  const one = await box.delivered("one");
  box.at.now += 1_000;
  await box.delivered("two");
  box.setFree(1.5e9 - 1_000);
  assert.equal((await box.run()).series, 0, "above the mark nothing goes before its time");
  box.setFree(1e9 - 1);
  const { removals } = (await box.retention.plan()).usual;
  assert.deepEqual([removals[0]!.seriesId, removals[0]!.what, removals[0]!.cause], [one.seriesId, "images", "disk"]);
  box.setFree(1e12);
  const { series, images, results } = await box.retention.run({ actor: "user:a", isOrdered: true });
  assert.deepEqual([series, images, results], [2, 10, 2]);
  assert.deepEqual([await box.objectFiles(), await box.resultFiles()], [[], []]);
  const ordered = box.audit().find(({ action }) => action === "purge-ordered")!;
  assert.deepEqual([ordered.actor, ordered.detail.series], ["user:a", 2]);
});

test("a crash after the rows went leaves work that the next run finishes", async () => {
  await using box = await retaining();
  const { seriesId } = await box.delivered();
  eraseStudy(box.database, getSeries(box.database, seriesId)!.studyInstanceUid, { actor: "console", at: box.at.now, force: false });
  assert.deepEqual([(await box.objectFiles()).length, countRemovals(box.database)], [5, 6], "as a crash would leave it");
  await removeFiles(box);
  assert.deepEqual([await box.objectFiles(), await box.resultFiles(), countRemovals(box.database)], [[], [], 0]);
});

test("an image that comes again while its file waits to be deleted keeps it", async () => {
  await using box = await retaining();
  const { seriesId } = await box.delivered();
  eraseStudy(box.database, getSeries(box.database, seriesId)!.studyInstanceUid, { actor: "console", at: box.at.now, force: false });
  const images = box.images("one");
  for (const { bytes } of images.slice(0, 2)) await box.store(bytes);
  await removeFiles(box);
  const id = box.database.get<{ id: number }>("select max(id) as id from series")!.id;
  assert.equal((await box.objectFiles()).length, 2);
  for (const [index, { digest }] of listInstances(box.database, id).entries()) {
    const file = await readFile(box.objects.path(digest));
    assert.deepEqual(
      file.subarray(readFileMeta(file).dataSetOffset),
      Buffer.from(images[index]!.bytes.subarray(readFileMeta(images[index]!.bytes).dataSetOffset)),
    );
  }
});

test("an image whose file is deleted between its arrival and its row is refused as busy, never acknowledged without a file", async () => {
  await using box = await retaining();
  const { seriesId } = await box.delivered();
  const [{ digest } = { digest: "" }] = listInstances(box.database, seriesId);
  const [image] = box.images("one");
  const { dataSetOffset, ...meta } = readFileMeta(image!.bytes);
  const place = box.objects.place.bind(box.objects);
  box.objects.place = async (...args) => {
    await place(...args); // the name was taken: the new file is thrown away
    eraseStudy(box.database, getSeries(box.database, seriesId)!.studyInstanceUid, { actor: "console", at: box.at.now, force: false });
    await removeFiles(box);
  };
  const sink = await openInstance({ ...meta, peer }, { ...box, onSeries: () => {}, wake: () => {} });
  await sink.write(image!.bytes.subarray(dataSetOffset));
  await assert.rejects(() => Promise.resolve(sink.commit()), { code: "object-removed" });
  assert.equal(await box.objects.isThere(digest), false);
  assert.equal(box.database.get("select 1 from instance"), undefined);
  box.objects.place = place;
  await box.store(image!.bytes);
  assert.equal(await box.objects.isThere(digest), true, "sent again, it is kept");
});

test("a study is not erased while something of it runs, nor before it is settled unless that is forced", async () => {
  await using box = await retaining();
  const seriesId = await box.receive("one");
  const delivery = box.deliver(await box.makeResult(seriesId), "waiting");
  addJob(box.database, deliverJob(delivery, 0));
  const study = getSeries(box.database, seriesId)!.studyInstanceUid;
  const erase = (force: boolean) => eraseStudy(box.database, study, { actor: "user:a", at: box.at.now, force });
  assert.throws(() => erase(false), { code: "study-not-settled" });
  const job = claimJob(box.database, ["deliver"], 1)!;
  assert.throws(() => erase(true), { code: "study-in-work" });
  box.database.run("update job set state = 'waiting' where id = ?", job.id);
  assert.deepEqual(erase(true).series, [seriesId]);
  assert.throws(() => erase(true), { code: "not-found" });
  assert.deepEqual(box.waiting(), []);
  const [entry] = box.audit();
  assert.match(entry!.object, /^study:sha256:[0-9a-f]{64}$/);
  assert.ok(!JSON.stringify(box.audit()).includes(study));
});
