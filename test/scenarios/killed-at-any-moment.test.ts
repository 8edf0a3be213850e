import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";
import { openDatabase } from "../../appliance/store/database.ts";
import { listInstances } from "../../appliance/store/series.ts";
import { startStorescp } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

/** SHA-256 of the data set, past preamble and file meta: what the sender gave us. */
function dataSetDigest(file: Uint8Array): string {
  return createHash("sha256")
    .update(file.subarray(readFileMeta(file).dataSetOffset))
    .digest("hex");
}

async function exampleFiles() {
  const names = (await readdir(exampleCt)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(exampleCt, name);
      const bytes = await readFile(path);
      return { path, digest: dataSetDigest(bytes), ...readFileMeta(bytes) };
    }),
  );
}

test("killed while it receives: every acknowledged image is there afterwards, byte for byte, and none twice", async () => {
  await using folder = await temporaryFolder("killed-receiving");
  await using pacs = await startOrthanc();
  const files = await exampleFiles();
  const acknowledged = new Set<string>();
  for (let round = 0; round < 6; round++) {
    await using box = await startBox({ data: folder.path, pacs, quietSeconds: 30 });
    const node = { name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort };
    const killAfter = 1 + 3 * round;
    let stored = 0;
    const sending = storeFiles(node, "CT1", files, {
      onStored(index, outcome) {
        if (outcome.kind !== "stored") return;
        acknowledged.add(files[index]!.digest);
        if (++stored === killAfter) box.process.kill("SIGKILL"); // the next image is on its way just now
      },
    });
    await sending.catch((error: unknown) => assert.match(String(error), /association|connection|peer|closed|reset/i));
    await box.process.exited;
    assert.ok(stored >= killAfter, `${stored} images were acknowledged before the kill at ${killAfter}`);

    const database = await openDatabase(join(folder.path, "segbox.sqlite"), Date.now());
    const kept = listInstances(database, 1);
    database.close();
    const digests = kept.map(({ digest }) => digest);
    assert.equal(new Set(digests).size, digests.length, "none twice");
    for (const digest of acknowledged) assert.ok(digests.includes(digest), "an acknowledged image is in the database");
    for (const digest of digests) {
      const bytes = await readFile(join(folder.path, "objects", digest.slice(0, 2), `${digest}.dcm`));
      assert.equal(dataSetDigest(bytes), digest);
    }
  }

  // The sender sends what it heard nothing of, and the result arrives once.
  await using box = await startBox({ data: folder.path, pacs, quietSeconds: 0.5 });
  await storeFiles({ name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort }, "CT1", files);
  const series = await box.seriesWhen(isDelivered);
  assert.equal(series.instanceCount, 20);
  assert.equal(pacs.storeRequests(), 2);
});

test("killed while it infers: the result arrives once, after the restart", async () => {
  await using folder = await temporaryFolder("killed-inferring");
  await using pacs = await startOrthanc();
  {
    await using box = await startBox({ data: folder.path, pacs, quietSeconds: 0.5 });
    await storeFiles({ name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort }, "CT1", await exampleFiles());
    await box.seriesWhen(({ results }) => results.some(({ state, progress }) => state === "running" && (progress ?? 0) > 0));
    await box.killHard();
  }
  await using box = await startBox({ data: folder.path, pacs, quietSeconds: 0.5 });
  const series = await box.seriesWhen(isDelivered);
  assert.equal(series.results.length, 1);
  assert.equal(series.instanceCount, 20);
  await sleep(500); // a second delivery would follow at once
  assert.equal(pacs.storeRequests(), 2);
  assert.equal(((await pacs.call("GET", "/instances")) as string[]).length, 2);
});

test("killed while it delivers: the same UIDs and the same bytes go out again, and the PACS holds each object once", async () => {
  await using folder = await temporaryFolder("killed-delivering");
  // Takes its time over each object, so that the kill comes between the first byte and the answer.
  const slow = await startStorescp({ aeTitle: "PACS", options: ["--sleep-during", "2"] });
  const { port } = slow;
  {
    await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: port }, quietSeconds: 0.5 });
    await storeFiles({ name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort }, "CT1", await exampleFiles());
    await eventually(async () => (slow.storeRequests() > 0 ? true : undefined), 120_000);
    await box.killHard();
  }
  await slow.stop();
  await using pacs = await startStorescp({ aeTitle: "PACS", port });
  await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: port }, quietSeconds: 0.5 });
  const series = await box.seriesWhen(isDelivered);
  const received = await pacs.files();
  assert.equal(received.length, 2);
  const results = join(folder.path, "results", String(series.results[0]!.id));
  const sent = await Promise.all(["seg.dcm", "rtstruct.dcm"].map(async (file) => dataSetDigest(await readFile(join(results, file)))));
  const arrived = await Promise.all(received.map(async (path) => dataSetDigest(await readFile(path))));
  assert.deepEqual(arrived.sort(), sent.sort());
  assert.equal(pacs.storeRequests(), 2);
});
