import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { addDelivery, addResult, getDelivery } from "../../../appliance/store/results.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { addSeries, newResult } from "../../make/database.ts";
import { startStorescp } from "../../peers/dcmtk.ts";
import { freePort } from "../../peers/ports.ts";
import { pipelineSteps } from "./steps.ts";

const anyObject = join(import.meta.dirname, "../../data/ct-corpus/tiny-23x38x3/IMG0001.dcm");

/** A result whose SEG (any DICOM object here) waits for delivery to the node `pacs` at a port. */
async function waitingDelivery(port: number) {
  const box = await pipelineSteps();
  const { database } = box;
  replaceNodesAndRules(database, [{ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port }], []);
  const resultId = addResult(database, newResult(addSeries(database, 1), "d1"))!;
  const file = join(box.resultFolder(resultId), "seg.dcm");
  await mkdir(box.resultFolder(resultId), { recursive: true });
  await copyFile(anyObject, file);
  const deliveryId = addDelivery(database, resultId, "seg", "pacs");
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

test("an object whose file is gone is a fault of ours, not of the peer", async () => {
  await using box = await waitingDelivery(1);
  await rm(box.file);
  await assert.rejects(box.run("deliver", box), { name: "Error", code: "ENOENT" });
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
