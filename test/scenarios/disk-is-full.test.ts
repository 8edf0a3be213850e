import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { RawPeer } from "../appliance/dimse/raw-peer.ts";
import { startReceiver } from "../chaos/receiving.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";

const diskMegabytes = 48;

/** A service whose data folder is a small disk of its own, seen from here through /proc. */
async function startOnSmallDisk(folder: string, minimumFreeMegabytes: number) {
  const data = join(folder, "data");
  await mkdir(data);
  const mount = `mount -t tmpfs -o size=${diskMegabytes}m tmpfs ${data} && exec "$@"`;
  const box = await startReceiver(
    data,
    {},
    {
      dicom: { limits: { minimumFreeMegabytes } },
      under: ["unshare", "-rm", "sh", "-c", mount, "sh"],
      siteFile: join(folder, "site.json"),
    },
  );
  return { ...box, disk: join(`/proc/${box.process.pid}/root`, data), [Symbol.asyncDispose]: () => box.process[Symbol.asyncDispose]() };
}

const images = makeCtSeries({ name: "disk", dims: [512, 512, 60], hu: (i, j, k) => (i ^ j) + k }).map(({ sopInstanceUid, bytes }) => {
  const dataSet = Buffer.from(bytes.subarray(readFileMeta(bytes).dataSetOffset));
  return { sopInstanceUid, dataSet, digest: createHash("sha256").update(dataSet).digest("hex") };
});

type Disk = Awaited<ReturnType<typeof startOnSmallDisk>>;

async function receivingOf({ httpPort }: Disk): Promise<string> {
  return ((await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json()) as { receiving: string }).receiving;
}

/** Sends images from `first` on until one is refused; how many were stored, and the status and comment of the refusal. */
async function sendUntilRefused(peer: RawPeer, first: number) {
  for (let index = first; index < images.length; index++) {
    peer.sendStore(images[index]!.sopInstanceUid, images[index]!.dataSet, index + 1, 131_072);
    const { status, errorComment = "" } = await peer.nextCommand();
    if (status !== 0) return { stored: index - first, status, errorComment };
  }
  return { stored: images.length - first, status: 0, errorComment: "" };
}

async function assertKept({ disk }: Disk, count: number): Promise<void> {
  for (const { digest } of images.slice(0, count)) {
    const file = await readFile(join(disk, "objects", digest.slice(0, 2), `${digest}.dcm`));
    assert.equal(
      createHash("sha256")
        .update(file.subarray(readFileMeta(file).dataSetOffset))
        .digest("hex"),
      digest,
    );
  }
  assert.deepEqual(await readdir(join(disk, "objects/incoming")), [], "nothing half-written");
}

const isPossible = (await run("unshare", ["-rm", "true"])).code === 0;
const options = isPossible ? {} : { skip: "this machine lets nobody mount a disk of their own" };

test(
  "below the free space that a setting wants, images are refused as out of resources, it is said, and it recovers by itself",
  options,
  async () => {
    await using folder = await temporaryFolder("watermark");
    await using box = await startOnSmallDisk(folder.path, 20);
    const ballast = join(box.disk, "ballast");
    const peer = await RawPeer.connect(box.dicomPort);
    await peer.associate({ callingAeTitle: "CT1" });
    peer.sendStore(images[0]!.sopInstanceUid, images[0]!.dataSet);
    assert.equal((await peer.nextCommand()).status, 0);
    assert.equal(await receivingOf(box), "open");
    await writeFile(ballast, Buffer.alloc((diskMegabytes - 19) * 1_048_576));
    assert.equal(await receivingOf(box), "disk-full");
    const { stored, status, errorComment } = await sendUntilRefused(peer, 1);
    assert.deepEqual([stored, status], [0, 0xa700]);
    assert.match(errorComment, /^disk full: \d+ MB free, 20 MB required$/);
    await assertKept(box, 1);
    assert.ok(box.process.lines.some((line) => line.includes('"disk-full"')));
    await rm(ballast);
    await eventually(async () => {
      peer.sendStore(images[1]!.sopInstanceUid, images[1]!.dataSet, 99);
      return (await peer.nextCommand()).status === 0 || undefined;
    }, 3_000);
    assert.equal(await receivingOf(box), "open");
    await assertKept(box, 2);
    peer.socket.destroy();
  },
);

test(
  "a disk that is full to its last byte loses nothing that was acknowledged, keeps nothing half, and takes again when there is room",
  options,
  async () => {
    await using folder = await temporaryFolder("disk-full");
    await using box = await startOnSmallDisk(folder.path, 0);
    const ballast = join(box.disk, "ballast");
    await writeFile(ballast, Buffer.alloc(30 * 1_048_576));
    const peer = await RawPeer.connect(box.dicomPort);
    await peer.associate({ callingAeTitle: "CT1" });
    const { stored, status } = await sendUntilRefused(peer, 0);
    assert.equal(status, 0xa700);
    assert.ok(stored > 5 && stored < images.length, `${stored} images found room`);
    await assertKept(box, stored);
    for (let again = 0; again < 3; again++) assert.equal((await sendUntilRefused(peer, stored)).status, 0xa700);
    await rm(ballast);
    const rest = await sendUntilRefused(peer, stored);
    assert.deepEqual([rest.status, rest.stored], [0, images.length - stored]);
    await assertKept(box, images.length);
    peer.socket.destroy();
  },
);
