import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { RawPeer } from "../appliance/dimse/raw-peer.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startBox } from "./box.ts";
import { readTrace, type SystemCall } from "./system-calls.ts";

const associations = 4;
const imagesEach = 12;

/** The images of one sender: UID and data set. */
function imagesOf(sender: number) {
  return makeCtSeries({ name: `traced ${sender}`, dims: [64, 64, imagesEach], hu: (i, j, k) => i + j * k + sender }).map(
    ({ sopInstanceUid, bytes }) => {
      const dataSet = Buffer.from(bytes.subarray(readFileMeta(bytes).dataSetOffset));
      return { sopInstanceUid, dataSet, digest: createHash("sha256").update(dataSet).digest("hex") };
    },
  );
}

test("for every image: its data, its name, its folder, the database, and only then Success, in the order of the system calls", async () => {
  await using folder = await temporaryFolder("traced");
  const traceFile = join(folder.path, "trace");
  const traced = "trace=fdatasync,fsync,rename,renameat,renameat2,write,writev,pwrite64";
  const pacs = { aeTitle: "PACS", dicomPort: 9 };
  const box = await startBox({
    data: join(folder.path, "data"),
    pacs,
    quietSeconds: 60,
    under: ["strace", "-f", "--seccomp-bpf", "-yy", "-s", "16", "-o", traceFile, "-e", traced],
  });
  const sent = await Promise.all(
    Array.from({ length: associations }, async (_, sender) => {
      const peer = await RawPeer.connect(box.dicomPort);
      assert.equal((await peer.associate({ callingAeTitle: "CT1" })).accepted, true);
      const images = imagesOf(sender);
      for (const [index, { sopInstanceUid, dataSet }] of images.entries()) {
        peer.sendStore(sopInstanceUid, dataSet, index + 1);
        assert.equal((await peer.nextCommand()).status, 0);
      }
      const port = peer.socket.localPort!;
      peer.socket.destroy();
      return { port, digests: images.map(({ digest }) => digest) };
    }),
  );
  await box.stop();

  const calls = readTrace(await readFile(traceFile, "utf8"));
  const log = (name: string) => calls.filter((call) => call.name === name && call.text.includes("segbox.sqlite-wal>"));
  const [logWrites, logSyncs] = [log("pwrite64"), log("fdatasync")];
  for (const { port, digests } of sent) {
    const answers = calls.filter(({ name, text }) => /^writev?$/.test(name) && text.includes(`:${port}]>`) && /"\\4\\0/.test(text));
    assert.equal(answers.length, imagesEach);
    for (const [index, digest] of digests.entries()) {
      const renamed = one(calls, ({ name, text }) => name.startsWith("rename") && text.includes(`${digest}.dcm"`));
      const [, part = ""] = /"[^"]*\/([^"/]+\.part)"/.exec(renamed.text) ?? [];
      const content = one(calls, ({ name, text }) => name === "fdatasync" && text.includes(part));
      const written = calls.filter(({ name, text }) => /^p?writev?(64)?$/.test(name) && text.includes(part));
      const answer = answers[index]!;
      const inFolder = `/objects/${digest.slice(0, 2)}>`;
      const names = calls.filter(
        ({ name, text, began, ended }) => name === "fsync" && text.includes(inFolder) && began > renamed.ended && ended < answer.began,
      );
      assert.ok(written.length > 0 && written.every(({ ended }) => ended < content.began), "all is written before it is synchronised");
      assert.ok(content.ended < renamed.began, "its data is durable before it gets its name");
      assert.ok(names.length > 0, "its name is durable before the answer");
      const durable = logSyncs.filter(
        (sync) => sync.ended < answer.began && logWrites.some((write) => write.began > names[0]!.ended && write.ended < sync.began),
      );
      assert.ok(durable.length > 0, "its row was written after that, and is durable before the answer");
    }
  }
});

function one(calls: readonly SystemCall[], isIt: (call: SystemCall) => boolean): SystemCall {
  const found = calls.filter(isIt);
  assert.equal(found.length, 1, `expected one such call, found ${found.map(({ name, text }) => `${name}(${text}`).join("; ")}`);
  return found[0]!;
}
