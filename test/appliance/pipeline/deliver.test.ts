import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { RefusedError } from "../../../appliance/base/errors.ts";
import { jpegLsFrames, rleFrames } from "../../../appliance/dicom/frame-compression.ts";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { encodeSegLabelmap } from "../../../appliance/dicom/seg-labelmap.ts";
import { sopClass } from "../../../appliance/dicom/sop-classes.ts";
import type { ResultOutput } from "../../../appliance/domain/rule.ts";
import { pauseNode, retryDelivery } from "../../../appliance/pipeline/outbox.ts";
import { mintObjectUids } from "../../../appliance/pipeline/outputs.ts";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { addDelivery, getDelivery, listUnanswered, noteDelivery, setDocument } from "../../../appliance/store/deliveries.ts";
import { takeDocument } from "../../../appliance/store/documents.ts";
import { listReceipts } from "../../../appliance/store/receipts.ts";
import { addResult } from "../../../appliance/store/results.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { resultCases } from "../../conformance/result-cases.ts";
import { auditBroken, breakAudit, dump, mendAudit } from "../../make/broken-audit.ts";
import { addSeries, newResult, someUids } from "../../make/database.ts";
import { startStorescp } from "../../peers/dcmtk.ts";
import { freePort } from "../../peers/ports.ts";
import { python } from "../../peers/python.ts";
import { recordingSink, startRecordingScp } from "../dimse/recording-scp.ts";
import { pipelineSteps } from "./steps.ts";

const anyObject = join(import.meta.dirname, "../../data/ct-corpus/tiny-23x38x3/IMG0001.dcm");

/** A result whose SEG (any DICOM object here) waits for delivery to the node `pacs` at a port. */
async function waitingDelivery(port: number, choices: readonly ResultOutput[] = ["seg"]) {
  const box = await pipelineSteps();
  const { database } = box;
  replaceNodesAndRules(database, [{ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port }], []);
  const resultId = addResult(database, newResult(addSeries(database, 1), "d1"))!;
  const file = join(box.resultFolder(resultId), "seg.dcm");
  await mkdir(box.resultFolder(resultId), { recursive: true });
  await copyFile(anyObject, file);
  await copyFile(anyObject, join(box.resultFolder(resultId), "rtstruct.dcm"));
  const deliveryId = addDelivery(database, { resultId, destination: "pacs", choices, state: "waiting" });
  return { ...box, resultId, deliveryId, file, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

/** The data set of a file, without its file meta information, which each node writes itself. */
async function dataSetOf(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  return bytes.subarray(readFileMeta(bytes).dataSetOffset);
}

test("an object arrives byte for byte, is noted as delivered, and is not sent again", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS" });
  await using box = await waitingDelivery(peer.port);
  await box.run("deliver", box);
  assert.partialDeepStrictEqual(getDelivery(box.database, box.deliveryId), {
    state: "delivered",
    attempts: 1,
    status: 0,
    reason: null,
    deliveredAt: box.at.now,
  });
  const [received = ""] = await peer.files();
  assert.deepEqual(await dataSetOf(received), await dataSetOf(box.file));
  await peer.process.waitForLine(/Received Store Request/);
  await box.run("deliver", box);
  await peer.process.waitForLine(/Association Release/);
  assert.equal(peer.storeRequests(), 1);
});

test("a peer that is away is something that passes", async () => {
  await using box = await waitingDelivery(await freePort());
  await assert.rejects(box.run("deliver", box), { name: "UnavailableError" });
});

test("an object that was sent and never answered is kept in mind until it is answered: its peer may have it", async () => {
  await using rude = await startStorescp({ aeTitle: "PACS", options: ["--abort-after"] });
  await using box = await waitingDelivery(rude.port);
  await assert.rejects(box.run("deliver", box), { name: "UnavailableError" });
  const { sopClassUid, sopInstanceUid } = readFileMeta(await readFile(box.file));
  const [left] = listUnanswered(box.database, box.resultId);
  assert.partialDeepStrictEqual(left, { destination: "pacs", instance: { sopClassUid, sopInstanceUid } });

  await using peer = await startStorescp({ aeTitle: "PACS" });
  replaceNodesAndRules(box.database, [{ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: peer.port }], []);
  await box.run("deliver", box);
  assert.deepEqual(listUnanswered(box.database, box.resultId), []);
});

test("what no association could be opened for was not sent", async () => {
  await using box = await waitingDelivery(await freePort());
  await assert.rejects(box.run("deliver", box), { name: "UnavailableError" });
  assert.deepEqual(listUnanswered(box.database, box.resultId), []);
});

test("a peer that turns our association away lacks an entry for us, which somebody will make: the delivery waits", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS", options: ["--refuse"] });
  await using box = await waitingDelivery(peer.port);
  await assert.rejects(box.run("deliver", box), { name: "UnavailableError" });
});

test("a destination that is no longer set up is refused by its name", async () => {
  await using box = await waitingDelivery(1);
  replaceNodesAndRules(box.database, [], []);
  await assert.rejects(box.run("deliver", box), { name: "RefusedError", code: "destination-missing", message: /pacs/ });
});

test("an object whose file is not there is set aside at once: it was not written, or is lost", async () => {
  await using box = await waitingDelivery(1);
  await rm(box.file);
  await assert.rejects(box.run("deliver", box), { name: "RefusedError", code: "object-missing" });
});

test("failed tries are counted with their reason, and a delivery set aside keeps it", async () => {
  await using box = await waitingDelivery(1);
  const { deliveryId } = box;
  const step = box.stepOf("deliver");
  step.willRetry?.({ deliveryId } as never, { code: "peer-unavailable", message: "no answer" });
  assert.partialDeepStrictEqual(getDelivery(box.database, deliveryId), { state: "waiting", attempts: 1, reason: { message: "no answer" } });
  step.gaveUp({ deliveryId } as never, { code: "peer-refused", message: "the peer answered A900" });
  assert.partialDeepStrictEqual(getDelivery(box.database, deliveryId), { state: "failed", attempts: 2, reason: { code: "peer-refused" } });
});

test("where the peer does not take the class of object, by context or by answer, the next choice goes at once; refusals are kept", async () => {
  await using contexts = await startStorescp({ aeTitle: "PACS", takes: [] });
  await using box = await waitingDelivery(contexts.port, ["seg", "rtstruct"]);
  await assert.rejects(box.run("deliver", box), { name: "RefusedError", code: "class-refused" });
  assert.partialDeepStrictEqual(getDelivery(box.database, box.deliveryId), {
    state: "waiting",
    output: "rtstruct",
    refusals: [{ output: "seg", status: null, reason: { code: "class-refused" } }],
  });

  let asked = 0;
  await using answers = await startRecordingScp(
    {},
    {
      openInstance: async (instance) =>
        asked++ === 0
          ? Promise.reject(new RefusedError("instance-mismatch", "no such class here"))
          : recordingSink(instance, answers.stored, answers.events),
    },
  );
  await using other = await waitingDelivery(answers.port, ["seg", "rtstruct"]);
  await other.run("deliver", other);
  assert.partialDeepStrictEqual(getDelivery(other.database, other.deliveryId), {
    state: "delivered",
    output: "rtstruct",
    attempts: 1,
    status: 0,
    refusals: [{ output: "seg", status: 0xa900, reason: { message: "the peer answered A900: no such class here" } }],
  });
});

test("a compressed label map goes out without compression where its destination takes none, and the receipt says so", async () => {
  const { request } = resultCases().find(({ name }) => name === "axial")!;
  const inPieces = (pieces: Iterable<Uint8Array>): Buffer => Buffer.concat([...pieces]);
  for (const [compression, syntaxes, comment] of [
    [rleFrames, ["LittleEndianExplicit"], "sent without compression"],
    [await jpegLsFrames(), ["LittleEndianExplicit"], "sent without compression"],
    [rleFrames, ["LittleEndianImplicit"], "sent in Implicit VR Little Endian"],
    [rleFrames, ["RLELossless", "LittleEndianExplicit"], null],
  ] as const) {
    await using peer = await startStorescp({ aeTitle: "PACS", takes: [sopClass.labelMapSegmentationStorage], syntaxes });
    await using box = await waitingDelivery(peer.port, ["seg-labelmap", "seg"]);
    const [file, plain] = ["seg-labelmap.dcm", "plain.dcm"].map((name) => join(box.resultFolder(box.resultId), name)) as [string, string];
    await writeFile(file, inPieces(encodeSegLabelmap({ ...request, compression })));
    await writeFile(plain, inPieces(encodeSegLabelmap(request)));
    await box.run("deliver", box);
    assert.partialDeepStrictEqual(getDelivery(box.database, box.deliveryId), { state: "delivered", output: "seg-labelmap", refusals: [] });
    assert.deepEqual(
      listReceipts(box.database, box.resultId).map((receipt) => receipt.comment),
      [comment],
    );
    const [received = ""] = await peer.files();
    const { different } = (await python("test/reference/same-values.py", [comment === null ? file : plain, received])) as {
      different: string[];
    };
    assert.deepEqual(different, []);
  }
});

test("a receipt says what exactly a destination has taken: which object, which bytes, by which answer, as which AE title", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS" });
  await using box = await waitingDelivery(peer.port);
  await box.run("deliver", box);
  const { sopClassUid, sopInstanceUid } = readFileMeta(await readFile(box.file));
  const sha256 = createHash("sha256")
    .update(await dataSetOf((await peer.files())[0]!))
    .digest("hex");
  assert.deepEqual(listReceipts(box.database, box.resultId), [
    {
      destination: "pacs",
      service: "c-store",
      output: "seg",
      sopClassUid,
      seriesInstanceUid: someUids.seg.seriesInstanceUid,
      sopInstanceUid,
      sha256,
      aeTitle: "PACS",
      status: 0,
      comment: null,
      at: box.at.now,
    },
  ]);
});

test("the objects of a series reach a destination in order: what stands behind a waiting one waits, and goes when that is through", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS" });
  await using box = await waitingDelivery(peer.port);
  const { database, resultId } = box;
  const second = addDelivery(database, { resultId, destination: "pacs", choices: ["rtstruct"], state: "waiting" });
  assert.equal(await box.run("deliver", { deliveryId: second }), box.at.now + 15 * 60_000);
  assert.equal(getDelivery(database, second)!.attempts, 0);
  await box.run("deliver", box);
  assert.deepEqual(box.waiting(), [{ key: `deliver:${second}`, run_at: box.at.now }]);
  await box.run("deliver", { deliveryId: second });
  assert.equal(getDelivery(database, second)!.state, "delivered");
});

test("one that is set aside lets go what stands behind it", async () => {
  await using box = await waitingDelivery(1);
  const { database, resultId, deliveryId } = box;
  const second = addDelivery(database, { resultId, destination: "pacs", choices: ["rtstruct"], state: "waiting" });
  box.stepOf("deliver").gaveUp({ deliveryId } as never, { code: "peer-refused", message: "C000" });
  assert.deepEqual(
    box.waiting().map(({ key }) => key),
    [`deliver:${second}`],
  );
});

test("to a paused node nothing is tried until it is resumed", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS" });
  await using box = await waitingDelivery(peer.port);
  pauseNode(box.database, "pacs", true, box.at.now);
  assert.equal(await box.run("deliver", box), box.at.now + 15 * 60_000);
  pauseNode(box.database, "pacs", false, box.at.now);
  assert.deepEqual(box.waiting(), [{ key: `deliver:${box.deliveryId}`, run_at: box.at.now }]);
  await box.run("deliver", box);
  assert.equal(getDelivery(box.database, box.deliveryId)!.state, "delivered");
  await peer.process.waitForLine(/Association Release/);
  assert.equal(peer.storeRequests(), 1);
});

test("a sender that is no node here, or is two, is refused by its AE title; one that is known gets it", async () => {
  await using peer = await startStorescp({ aeTitle: "CT1" });
  await using box = await waitingDelivery(1);
  const { database, resultId } = box;
  const deliveryId = addDelivery(database, { resultId, destination: "sender", choices: ["seg"], state: "waiting" });
  const scanner = (name: string) => ({ name, aeTitle: "CT1", host: "127.0.0.1", port: peer.port });
  await assert.rejects(box.run("deliver", { deliveryId }), { code: "sender-unknown", message: /CT1/ });
  replaceNodesAndRules(database, [scanner("a"), scanner("b")], []);
  await assert.rejects(box.run("deliver", { deliveryId }), { code: "sender-ambiguous", message: /a, b/ });
  replaceNodesAndRules(database, [scanner("a")], []);
  await box.run("deliver", { deliveryId });
  assert.equal(getDelivery(database, deliveryId)!.state, "delivered");
});

test("a peer that answers processing failure is tried for about a day, then the object is set aside", async () => {
  await using peer = await startRecordingScp({}, { openInstance: () => Promise.reject(new Error("a fault")) });
  await using box = await waitingDelivery(peer.port);
  await assert.rejects(box.run("deliver", box), { name: "UnavailableError", message: /0110/ });
  box.database.run("update delivery set same_answers = 299");
  await assert.rejects(box.run("deliver", box), { name: "RefusedError", code: "peer-refused" });
});

test("a rejection note that its destination does not take is no failure; sent again, it goes where it is taken by then", async () => {
  await using strict = await startStorescp({ aeTitle: "PACS", takes: [] });
  await using box = await waitingDelivery(strict.port);
  const { database, resultId } = box;
  const deliveryId = addDelivery(database, { resultId, destination: "pacs", choices: ["rejection-note"], state: "waiting" });
  const note = takeDocument(database, { resultId, kind: "rejection-note", says: {}, uids: mintObjectUids(), createdAt: 1 });
  await copyFile(anyObject, join(box.resultFolder(resultId), note.file));
  setDocument(database, deliveryId, note.id);
  noteDelivery(database, box.deliveryId, { state: "delivered", reason: null, status: 0, at: 1 }); // its turn has come
  const refusal = await box.run("deliver", { deliveryId }).then(
    () => assert.fail("it was taken"),
    (error: RefusedError) => error,
  );
  box.stepOf("deliver").gaveUp({ deliveryId } as never, { code: refusal.code, message: refusal.message });
  assert.partialDeepStrictEqual(getDelivery(database, deliveryId), { state: "withdrawn", reason: { code: "class-refused" } });
  assert.throws(() => retryResult(database, resultId, 9), { code: "nothing-to-retry" });

  await using open = await startStorescp({ aeTitle: "PACS" });
  replaceNodesAndRules(database, [{ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: open.port }], []);
  retryDelivery(database, deliveryId, 9);
  await box.run("deliver", { deliveryId });
  assert.equal(getDelivery(database, deliveryId)!.state, "delivered");
});

test("a rejection note that fails otherwise has to be looked after", async () => {
  await using box = await waitingDelivery(1);
  const deliveryId = addDelivery(box.database, {
    resultId: box.resultId,
    destination: "pacs",
    choices: ["rejection-note"],
    state: "waiting",
  });
  box.stepOf("deliver").gaveUp({ deliveryId } as never, { code: "peer-refused", message: "the peer answered C000" });
  assert.equal(getDelivery(box.database, deliveryId)!.state, "failed");
});

test("nothing leaves that can't be written into the audit trail; beginning and end of what does stand there", async () => {
  await using peer = await startStorescp({ aeTitle: "PACS" });
  await using box = await waitingDelivery(peer.port);
  breakAudit(box.database);
  const before = dump(box.database);
  await assert.rejects(box.run("deliver", box), { message: auditBroken });
  assert.equal(dump(box.database), before);
  await peer.process.waitForLine(/Association Aborted|Aborting|Peer aborted/i);
  assert.deepEqual(await peer.files(), []);
  mendAudit(box.database);
  await box.run("deliver", box);
  assert.equal((await peer.files()).length, 1);
  const detail = { result: box.resultId, output: "seg", node: "pacs" };
  assert.deepEqual(
    listAudit(box.database, 10).map(({ action, object, detail }) => [action, object, detail]),
    ["result-delivered", "result-delivery-begun"].map((action) => [action, `delivery:${box.deliveryId}`, detail]),
  );
});
