import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { cutPowerWhileReceiving, killWhileReceiving } from "../chaos/campaigns.ts";
import { receiveUnderLoad } from "../chaos/load.ts";
import { compileLostCache, loseCacheOf } from "../chaos/lost-cache.ts";
import { assertKept, kill, type Sent, sendUntilItEnds, startReceiver } from "../chaos/receiving.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";

test("killed 20 times while four associations send: every acknowledged image is there, byte for byte, and none twice", async () => {
  await using folder = await temporaryFolder("kills");
  assert.ok((await killWhileReceiving(folder.path, 20)) > 100);
});

test("on a disk that keeps only what was synchronised, every acknowledged image is there after a power cut", async () => {
  await using folder = await temporaryFolder("cuts");
  assert.ok((await cutPowerWhileReceiving(folder.path, 5)) > 20);
});

test("after a failed fsync nothing is acknowledged and nobody let in until the next start, and it is said", async () => {
  await using folder = await temporaryFolder("fsync-fails");
  const [data, mirror] = [join(folder.path, "data"), join(folder.path, "mirror")];
  const shim = await compileLostCache(folder.path);
  await (await startReceiver(data)).process.stop();
  const disk = loseCacheOf(data, mirror, shim);
  const box = await startReceiver(data, disk.env);
  const sent: Sent = { acknowledged: [], refused: new Map() };
  const isOver = () => (sent.refused.get("a700") ?? 0) >= 3;
  const sending = [1, 2].map((sender) => sendUntilItEnds(box.dicomPort, `fails ${sender}`, sent, isOver));
  await eventually(async () => (sent.acknowledged.length > 5 ? true : undefined), 30_000);
  disk.failFsync(true);
  await eventually(async () => ((sent.refused.get("a700") ?? 0) > 0 ? true : undefined), 30_000);
  const { length } = sent.acknowledged;
  disk.failFsync(false); // another fsync would succeed now, and prove nothing
  await Promise.all(sending);
  assert.equal(sent.acknowledged.length, length, "nothing was acknowledged after the failure");
  await sendUntilItEnds(box.dicomPort, "late", sent);
  assert.equal(sent.refused.get("association refused"), 1);
  const health = await (await fetch(`http://127.0.0.1:${box.httpPort}/healthz`)).json();
  assert.deepEqual(health, { status: "ok", receiving: "storage-failed" });
  assert.ok(box.process.lines.some((line) => line.includes('"storage-failed"')));
  await kill(box.process);
  disk.cutPower();
  await assertKept(data, sent.acknowledged);

  const again = await startReceiver(data);
  const later: Sent = { acknowledged: [], refused: new Map() };
  await sendUntilItEnds(again.dicomPort, "after the restart", later, () => later.acknowledged.length === 3);
  await again.process.stop();
  await assertKept(data, [...sent.acknowledged, ...later.acknowledged]);
});

test("32 associations at once: none of their images is lost, doubled or changed, and others are answered meanwhile", async () => {
  await using folder = await temporaryFolder("load");
  const { images, storeMs, echoMs } = await receiveUnderLoad(folder.path, { associations: 32, imagesEach: 20, size: 64 });
  assert.equal(images, 640);
  // What is wanted on an idle machine is 500 and 250 ms (`npm run load:receive`); this is what a busy one must keep
  assert.ok(storeMs.p99 < 5_000 && echoMs.p99 < 2_500, `C-STORE-RSP ${storeMs.p99} ms, C-ECHO-RSP ${echoMs.p99} ms`);
});
