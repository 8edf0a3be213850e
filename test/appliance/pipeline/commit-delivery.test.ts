import assert from "node:assert/strict";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { noteCommitment } from "../../../appliance/pipeline/commit-delivery.ts";
import { retryDelivery } from "../../../appliance/pipeline/outbox.ts";
import { addCommitment, listCommitments } from "../../../appliance/store/commitments.ts";
import { addDelivery, getDelivery, setCommitment } from "../../../appliance/store/deliveries.ts";
import { listReceipts } from "../../../appliance/store/receipts.ts";
import { addResult, setReview } from "../../../appliance/store/results.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { addSeries, newResult } from "../../make/database.ts";
import { eventually } from "../../peers/eventually.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { freePort } from "../../peers/ports.ts";
import { startRecordingScp } from "../dimse/recording-scp.ts";
import { pipelineSteps } from "./steps.ts";

const anyObject = join(import.meta.dirname, "../../data/ct-corpus/tiny-23x38x3/IMG0001.dcm");

/** Orthanc as the PACS, whose reports come to an SCP of ours; a result whose SEG (any DICOM object here) waits for it. */
async function start({ reportsArrive = true } = {}) {
  const stack = new AsyncDisposableStack();
  const box = stack.use(await pipelineSteps());
  const { database } = box;
  const options = { ...box, callingAeTitle: "SEGBOX", tls: () => undefined, commitmentMs: 60_000 };
  const own = stack.use(await startRecordingScp({}, { commitmentReported: (report) => noteCommitment(report, options) }));
  const port = reportsArrive ? own.port : await freePort();
  const orthanc = stack.use(await startOrthanc({ modalities: { segbox: { aeTitle: "SEGBOX", port } } }));
  const node = { name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: orthanc.dicomPort, services: ["store", "commitment"] as const };
  replaceNodesAndRules(database, [node], []);
  const resultId = addResult(database, newResult(addSeries(database, 1), "d1"))!;
  await mkdir(box.resultFolder(resultId), { recursive: true });
  await copyFile(anyObject, join(box.resultFolder(resultId), "seg.dcm"));
  const deliveryId = addDelivery(database, { resultId, destination: "pacs", choices: ["seg"], state: "waiting" });
  const delivery = () => getDelivery(database, deliveryId)!;
  const loseAll = async () => {
    for (const id of (await orthanc.call("GET", "/instances")) as string[]) await orthanc.call("DELETE", `/instances/${id}`);
  };
  return { ...box, orthanc, node, options, resultId, deliveryId, delivery, loseAll, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("an object counts as committed once the PACS has said so, with a receipt of its own", async () => {
  await using box = await start();
  await box.run("deliver", box);
  assert.deepEqual([box.delivery().state, box.delivery().commitment], ["delivered", "asked"]);
  assert.equal(box.take("request-commitment")?.key, `request-commitment:${box.deliveryId}`);
  await box.run("request-commitment", box);
  await eventually(async () => (box.delivery().commitment === "committed" ? true : undefined));
  assert.deepEqual(
    listReceipts(box.database, box.resultId).map(({ service, output, destination, status }) => [service, output, destination, status]),
    [
      ["c-store", "seg", "pacs", 0],
      ["storage-commitment", "seg", "pacs", 0],
    ],
  );
  assert.equal(await box.run("request-commitment", box), undefined, "nothing is left to ask for");
});

test("what the PACS has lost goes out again; when that does not help it is set aside with the reason", async () => {
  await using box = await start();
  for (const round of [1, 2, 3]) {
    await box.run("deliver", box);
    await box.loseAll();
    await box.run("request-commitment", box);
    await eventually(async () => (listCommitments(box.database, box.deliveryId).at(-1)?.state === "refused" ? true : undefined));
    assert.deepEqual(
      [box.delivery().state, box.delivery().commitment, box.delivery().reason],
      [
        round < 3 ? "waiting" : "failed",
        round < 3 ? null : "failed",
        {
          code: "commitment-refused",
          message: "pacs took it, but did not commit itself to keep it: no such object instance (0112H)",
        },
      ],
    );
  }
  retryDelivery(box.database, box.deliveryId, box.at.now);
  await box.run("deliver", box);
  await box.run("request-commitment", box);
  await eventually(async () => (box.delivery().commitment === "committed" ? true : undefined));
});

test("a PACS that does not report in time is asked again, and after three times the delivery is set aside", async () => {
  await using box = await start({ reportsArrive: false });
  await box.run("deliver", box);
  const requests = () => listCommitments(box.database, box.deliveryId).map(({ state }) => state);
  assert.equal(await box.run("request-commitment", box), box.at.now + 60_000);
  assert.equal(await box.run("request-commitment", box), box.at.now + 60_000, "it is not due yet");
  assert.deepEqual(requests(), ["waiting"]);
  for (const expected of [
    ["timed-out", "waiting"],
    ["timed-out", "timed-out", "waiting"],
  ]) {
    box.at.now += 60_000;
    await box.run("request-commitment", box);
    assert.deepEqual(requests(), expected);
  }
  box.at.now += 60_000;
  const step = box.stepOf("request-commitment");
  await assert.rejects(box.run("request-commitment", box), { name: "RefusedError", code: "commitment-missing" });
  step.gaveUp({ deliveryId: box.deliveryId } as never, { code: "commitment-missing", message: "asked 3 times" });
  assert.deepEqual(
    [box.delivery().state, box.delivery().commitment, box.delivery().reason?.code],
    ["failed", "failed", "commitment-missing"],
  );
});

test("a report of no transaction of ours is refused; a request that could not be made leaves none behind", async () => {
  await using box = await start();
  assert.throws(() => noteCommitment({ transactionUid: "2.25.1", committed: [], failed: [] }, box.options), { code: "commitment-unknown" });
  await box.run("deliver", box);
  replaceNodesAndRules(box.database, [{ ...box.node, port: await freePort() }], []);
  await assert.rejects(box.run("request-commitment", box), { code: "peer-refused-connection" });
  assert.deepEqual(listCommitments(box.database, box.deliveryId), []);
  replaceNodesAndRules(box.database, [{ ...box.node, services: ["store"] }], []);
  await box.run("request-commitment", box);
  assert.deepEqual([box.delivery().state, box.delivery().commitment], ["delivered", null], "the setting says that it need not");
});

test("what was rejected is not sent again because the PACS has removed it, as the rejection note asks, nor asked for any more", async () => {
  await using box = await start();
  const { database, resultId, deliveryId } = box;
  await box.run("deliver", box);
  await box.loseAll();
  setReview(database, resultId, { verdict: "rejected", by: "anna", at: 5, reason: "wrong" });
  addCommitment(database, { transactionUid: "2.25.9", deliveryId, sopClassUid: "1.2", sopInstanceUid: "1.2.3", requestedAt: 1, dueAt: 2 });
  const report = { transactionUid: "2.25.9", committed: [], failed: [{ sopClassUid: "1.2", sopInstanceUid: "1.2.3", reason: 0x0112 }] };
  noteCommitment(report, box.options);
  assert.deepEqual([box.delivery().state, box.delivery().commitment], ["delivered", null]);

  setCommitment(database, deliveryId, "asked"); // of an object that the PACS was not asked about yet
  assert.equal(await box.run("request-commitment", box), undefined);
  assert.deepEqual([box.delivery().state, box.delivery().commitment], ["delivered", null]);
  assert.equal(listCommitments(database, deliveryId).length, 1, "no other request was made");
});
