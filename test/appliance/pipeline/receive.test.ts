import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { getSeries, listInstances, setSeriesState } from "../../../appliance/store/series.ts";
import { pipelineSteps } from "./steps.ts";

const slices = ["IMG0001.dcm", "IMG0002.dcm"].map((name) => join(import.meta.dirname, "../../data/ct-corpus/tiny-23x38x3", name));
const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 5 };

/** The steps, and what the DICOM node does with one C-STORE, in pieces of a few hundred bytes. */
async function receiving() {
  const box = await pipelineSteps();
  const told: string[] = [];
  const options = {
    ...box,
    onSeries: (associationId: number, seriesId: number) => void told.push(`association ${associationId} brought ${seriesId}`),
    wake: () => void told.push("wake"),
  };
  async function store(path: string, claimed: { sopInstanceUid?: string } = {}): Promise<void> {
    const file = await readFile(path);
    const { dataSetOffset, ...meta } = readFileMeta(file);
    const sink = await openInstance({ ...meta, ...claimed, peer }, options);
    try {
      for (let at = dataSetOffset; at < file.length; at += 700) await sink.write(file.subarray(at, at + 700));
      await sink.commit();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }
  return { ...box, told, store, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

test("an image is on disk byte for byte, in the database, and its series will be looked at, before its sender hears Success", async () => {
  await using box = await receiving();
  await box.store(slices[0]!);
  const [instance] = listInstances(box.database, 1);
  assert.ok(instance);
  const kept = await readFile(box.objects.path(instance.digest));
  const sent = await readFile(slices[0]!);
  const [keptMeta, sentMeta] = [readFileMeta(kept), readFileMeta(sent)];
  assert.deepEqual(kept.subarray(keptMeta.dataSetOffset), sent.subarray(sentMeta.dataSetOffset));
  assert.equal(instance.sizeBytes, kept.length);
  assert.partialDeepStrictEqual(instance, { sopInstanceUid: sentMeta.sopInstanceUid, transferSyntaxUid: sentMeta.transferSyntaxUid });
  assert.partialDeepStrictEqual(instance.facts, { modality: "CT", rows: 38, columns: 23, numberOfFrames: 1 });
  assert.partialDeepStrictEqual(getSeries(box.database, 1), { state: "receiving", callingAeTitle: "CT1", calledAeTitle: "SEGBOX" });
  assert.deepEqual(box.waiting(), [{ key: "close-series:1", run_at: box.at.now + box.quietMs }]);
  assert.deepEqual(box.told, ["association 5 brought 1", "wake"]);
});

test("each new image pushes the look at its series out", async () => {
  await using box = await receiving();
  await box.store(slices[0]!);
  box.at.now += 4_000;
  await box.store(slices[1]!);
  assert.deepEqual(box.waiting(), [{ key: "close-series:1", run_at: box.at.now + box.quietMs }]);
  assert.equal(getSeries(box.database, 1)!.instanceCount, 2);
});

test("an image sent again does not open a series that was judged, and is answered as stored", async () => {
  await using box = await receiving();
  await box.store(slices[0]!);
  box.take("close-series");
  setSeriesState(box.database, 1, "complete", null);
  await box.store(slices[0]!);
  assert.equal(getSeries(box.database, 1)!.state, "complete");
  assert.deepEqual(box.waiting(), []);
});

test("an ignored series that is sent again is judged again, after a rule was added", async () => {
  await using box = await receiving();
  await box.store(slices[0]!);
  box.take("close-series");
  setSeriesState(box.database, 1, "ignored", { code: "no-rules", message: "no rule is set up" });
  await box.store(slices[0]!);
  assert.equal(getSeries(box.database, 1)!.state, "receiving");
  assert.equal(box.waiting().length, 1);
});

test("a data set under another UID than its request's is refused, and nothing of it stays", async () => {
  await using box = await receiving();
  await assert.rejects(box.store(slices[0]!, { sopInstanceUid: "1.2.3" }), { name: "RefusedError", code: "instance-mismatch" });
  assert.equal(getSeries(box.database, 1), undefined);
  assert.deepEqual(await readdir(join(box.folder, "objects", "incoming")), []);
  assert.deepEqual(box.told, []);
  assert.partialDeepStrictEqual(listAudit(box.database, 10), [
    { actor: "ae:CT1", action: "instance-refused", detail: { code: "instance-mismatch" } },
  ]);
});

test("what is no DICOM data set is refused, and nothing of it stays", async () => {
  await using box = await receiving();
  const sink = await openInstance(
    { sopClassUid: "1.2.840.10008.5.1.4.1.1.2", sopInstanceUid: "1.2.3", transferSyntaxUid: "1.2.840.10008.1.2.1", peer },
    { ...box, onSeries: () => {}, wake: () => {} },
  );
  await sink.write(Buffer.from("GIF89a, certainly no data set".repeat(50)));
  await assert.rejects(async () => sink.commit(), { name: "RefusedError" });
  await sink.abort();
  assert.deepEqual(await readdir(join(box.folder, "objects", "incoming")), []);
  assert.equal(getSeries(box.database, 1), undefined);
});
