import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { echoRequest, RawPeer } from "../appliance/dimse/raw-peer.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { eventually } from "../peers/eventually.ts";
import { type Acknowledged, assertKept, startReceiver } from "./receiving.ts";

export type LoadFigures = {
  readonly images: number;
  readonly perSecond: number;
  /** From the last byte of an image to its answer, ms. */
  readonly storeMs: Percentiles;
  /** From a C-ECHO on an association of its own to its answer, ms. */
  readonly echoMs: Percentiles;
  /** How long the service's event loop was held up, ms. */
  readonly eventLoopMs: Percentiles;
};
type Percentiles = { readonly p50: number; readonly p99: number; readonly max: number };

/** Many associations send at once, each its own images; every one has to be there afterwards, once, byte for byte. */
export async function receiveUnderLoad(
  folder: string,
  { associations, imagesEach, size }: { associations: number; imagesEach: number; size: number },
) {
  const data = join(folder, "loaded");
  const delayFile = join(folder, "event-loop-delay.json");
  const box = await startReceiver(
    data,
    { NODE_OPTIONS: `--import ${join(import.meta.dirname, "event-loop-delay.ts")}`, EVENT_LOOP_DELAY: delayFile },
    { dicom: { limits: { associations: associations + 1, associationsPerAddress: associations + 1 } } },
  );
  const delays = async (): Promise<Percentiles> => {
    rmSync(delayFile, { force: true });
    box.process.kill("SIGUSR2");
    return eventually(
      async () => (existsSync(delayFile) ? (JSON.parse(readFileSync(delayFile, "utf8")) as Percentiles) : undefined),
      20_000,
    );
  };
  await delays(); // from here on: the start does not count
  const acknowledged: Acknowledged[] = [];
  const storeMs: number[] = [];
  const echoMs: number[] = [];
  let isOver = false;
  const began = performance.now();
  const echoing = (async () => {
    const peer = await RawPeer.connect(box.dicomPort);
    assert.equal((await peer.associate({ callingAeTitle: "ECHO" })).accepted, true);
    for (; !isOver; await sleep(20)) {
      const asked = performance.now();
      peer.sendCommand(echoRequest(), 3);
      assert.equal((await peer.nextCommand()).status, 0);
      echoMs.push(performance.now() - asked);
    }
    peer.socket.destroy();
  })();
  await Promise.all(
    Array.from({ length: associations }, async (_, sender) => {
      const peer = await RawPeer.connect(box.dicomPort);
      assert.equal((await peer.associate({ callingAeTitle: `CT${sender}` })).accepted, true);
      const image = templateOf(sender, size);
      for (let index = 0; index < imagesEach; index++) {
        const { sopInstanceUid, dataSet, digest } = image(index);
        peer.sendStore(sopInstanceUid, dataSet, (index % 65_535) + 1, 131_072);
        const sent = performance.now();
        assert.equal((await peer.nextCommand()).status, 0);
        storeMs.push(performance.now() - sent);
        acknowledged.push({ sopInstanceUid, digest });
      }
      peer.sendPdu({ type: "release-request" });
      await peer.next();
      peer.socket.destroy();
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  isOver = true;
  await echoing;
  const eventLoopMs = await delays();
  await box.process.stop();
  await assertKept(data, acknowledged);
  assert.equal(acknowledged.length, associations * imagesEach);
  const figures: LoadFigures = {
    images: acknowledged.length,
    perSecond: acknowledged.length / seconds,
    storeMs: percentiles(storeMs),
    echoMs: percentiles(echoMs),
    eventLoopMs,
  };
  return figures;
}

/** A sender's images: one series, made of one slice whose UID and last pixel are changed. */
function templateOf(sender: number, size: number) {
  const [slice] = makeCtSeries({ name: `load ${sender}`, dims: [size, size, 1], hu: (i, j) => (i * 5 + j + sender) % 1500 });
  const dataSet = Buffer.from(slice!.bytes.subarray(readFileMeta(slice!.bytes).dataSetOffset));
  const uidAt = dataSet.indexOf(slice!.sopInstanceUid);
  return (index: number) => {
    const own = Buffer.from(dataSet);
    const sopInstanceUid = slice!.sopInstanceUid.slice(0, -6) + String(index).padStart(6, "0");
    own.write(sopInstanceUid, uidAt, "latin1");
    own.writeUInt16LE(index, own.length - 2);
    return { sopInstanceUid, dataSet: own, digest: createHash("sha256").update(own).digest("hex") };
  };
}

function percentiles(ms: number[]): Percentiles {
  const sorted = ms.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
