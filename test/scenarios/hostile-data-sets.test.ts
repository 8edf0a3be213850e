import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { encodeData } from "../../appliance/dimse/pdu.ts";
import { ctStorage, echoRequest, RawPeer, storeRequest } from "../appliance/dimse/raw-peer.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";
import { type Box, startBox } from "./box.ts";

/** Contexts that every hostile sender proposes: CT in each of these, and Verification as the last. */
const syntaxes = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"] as const;
const [explicitLittle, , deflated] = syntaxes;
const echoContext = 2 * syntaxes.length + 1;

let folder: TemporaryFolder;
let box: Box;
before(async () => {
  folder = await temporaryFolder("hostile");
  box = await startBox({
    data: folder.path,
    pacs: { aeTitle: "PACS", dicomPort: 9 },
    quietSeconds: 3600,
    dicom: { otherStorageClasses: "any" },
  });
});
after(async () => {
  await box.stop();
  await folder[Symbol.asyncDispose]();
});

async function associated(): Promise<RawPeer> {
  const peer = await RawPeer.connect(box.dicomPort);
  const contexts = [...syntaxes.map((syntax) => [ctStorage, syntax] as const), ["1.2.840.10008.1.1", explicitLittle] as const];
  const { accepted } = await peer.associate({
    callingAeTitle: "CT1",
    contexts: contexts.map(([abstractSyntax, syntax], index) => ({ id: 2 * index + 1, abstractSyntax, transferSyntaxes: [syntax] })),
  });
  assert.equal(accepted, true);
  return peer;
}

/** The status of a C-STORE, hexadecimal; null where the association ended. */
async function store(peer: RawPeer, uid: string, dataSet: Buffer, syntax: string = explicitLittle): Promise<string | null> {
  const index = (syntaxes as readonly string[]).indexOf(syntax);
  assert.ok(index >= 0, syntax);
  peer.sendCommand(storeRequest(uid), 2 * index + 1);
  peer.send(encodeData(2 * index + 1, false, dataSet, 131_072));
  const answer = await peer.nextCommand().catch(() => null);
  return answer && (answer.status ?? -1).toString(16).padStart(4, "0");
}

const residentMb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${box.process.pid}/status`, "utf8"))![1]) / 1000;
const descriptors = (): number => readdirSync(`/proc/${box.process.pid}/fd`).length;

/** Somebody else is answered within a second, nothing half-written is left, and neither memory nor descriptors grew. */
async function assertWell(before: { readonly mb: number; readonly fds: number }): Promise<void> {
  const startedAt = performance.now();
  const peer = await associated();
  peer.sendCommand(echoRequest(), echoContext);
  assert.equal((await peer.nextCommand()).status, 0);
  const tookMs = performance.now() - startedAt;
  peer.socket.destroy();
  assert.ok(tookMs < 1000, `C-ECHO took ${Math.round(tookMs)} ms`);
  for (let left = 50; (await readdir(join(folder.path, "objects/incoming"))).length > 0; left--) {
    assert.ok(left > 0, "nothing half-written stays");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const grownMb = residentMb() - before.mb;
  assert.ok(grownMb < 80, `memory grew by ${Math.round(grownMb)} MB`);
  assert.ok(descriptors() < before.fds + 270, `${descriptors()} descriptors, before ${before.fds}`); // 256 are of object folders, kept open
  assert.ok(box.process.isRunning);
}

async function wellBefore() {
  await assertWell({ mb: 1e6, fds: 1e6 }); // warm
  return { mb: residentMb(), fds: descriptors() };
}

test("every file of the malformed corpus is stored or refused, and each leaves the service well", async () => {
  const before = await wellBefore();
  const files = globSync("test/data/malformed/**/*", { withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 400);
  const statuses = new Map<string, number>();
  let peer = await associated();
  for (const [index, { parentPath, name }] of files.entries()) {
    const bytes = readFileSync(join(parentPath, name));
    let meta = { sopInstanceUid: `2.25.${index + 1}`, transferSyntaxUid: explicitLittle as string, dataSetOffset: 0 };
    try {
      meta = readFileMeta(bytes);
    } catch {
      // no file meta information: the whole file is the data set
    }
    const syntax = (syntaxes as readonly string[]).includes(meta.transferSyntaxUid) ? meta.transferSyntaxUid : explicitLittle;
    const startedAt = performance.now();
    const status = await store(peer, meta.sopInstanceUid, bytes.subarray(meta.dataSetOffset), syntax);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 2000, `${name} took ${Math.round(tookMs)} ms`);
    assert.notEqual(status, "0110", `${name} is no fault of ours`);
    statuses.set(status ?? "ended", (statuses.get(status ?? "ended") ?? 0) + 1);
    if (status === null) {
      peer.socket.destroy();
      peer = await associated();
    }
  }
  peer.socket.destroy();
  await assertWell(before);
  assert.ok((statuses.get("0000") ?? 0) > 0 && [...statuses.keys()].some((status) => status >= "a000"), JSON.stringify([...statuses]));
});

test("a data set cut at each kilobyte is stored as it came or refused; one whose association ends there is not kept", async () => {
  const before = await wellBefore();
  const [slice] = makeCtSeries({ name: "cut", dims: [128, 128, 1] });
  const dataSet = Buffer.from(slice!.bytes.subarray(readFileMeta(slice!.bytes).dataSetOffset));
  const kept = () => readdirSync(join(folder.path, "objects"), { recursive: true }).filter((name) => String(name).endsWith(".dcm")).length;
  const peer = await associated();
  for (let bytes = 0; bytes < dataSet.length; bytes += 1024) {
    const status = await store(peer, slice!.sopInstanceUid, dataSet.subarray(0, bytes));
    assert.match(status ?? "ended", /^(0000|a900|c000)$/, `cut to ${bytes} bytes`);
    const files = kept();
    const leaving = await associated();
    leaving.sendCommand(storeRequest(slice!.sopInstanceUid));
    const last = encodeData(1, false, dataSet.subarray(0, bytes + 1), 131_072);
    last[11] = 0; // there is more to come
    leaving.send(last);
    leaving.socket.destroySoon();
    await leaving.closed();
    assert.equal(kept(), files);
  }
  peer.socket.destroy();
  await assertWell(before);
});

test("sequences 10,000 deep, a deflate bomb, and lengths that nothing stands behind", async () => {
  const before = await wellBefore();
  const [slice] = makeCtSeries({ name: "bomb", dims: [8, 8, 1] });
  const dataSet = Buffer.from(slice!.bytes.subarray(readFileMeta(slice!.bytes).dataSetOffset));
  const pixels = dataSet.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
  // (0009,0010) as a sequence of undefined length in an item of undefined length, in explicit VR
  const opened = Buffer.concat([
    Buffer.from([0x09, 0, 0x10, 0, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]),
  ]);
  const closed = Buffer.from([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
  const deep = Buffer.concat([
    dataSet.subarray(0, dataSet.indexOf(Buffer.from([0x10, 0x00, 0x10, 0x00]))),
    ...Array<Buffer>(10_000).fill(opened),
  ]);
  const bomb = deflateRawSync(Buffer.concat([dataSet.subarray(0, pixels), Buffer.alloc(400e6)]), { level: 9 });
  const endless = Buffer.concat([
    dataSet.subarray(0, pixels),
    Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0, 0xfe, 0xff, 0xff, 0xff]),
  ]);
  const longName = Buffer.concat([
    dataSet.subarray(0, dataSet.indexOf(Buffer.from([0x10, 0x00, 0x10, 0x00]))),
    Buffer.from([0x10, 0, 0x10, 0, 0x55, 0x4e, 0, 0, 0xf0, 0xff, 0xff, 0xff]),
  ]);
  assert.ok(bomb.length < 1e6);
  const sent: readonly (readonly [string, Buffer, string])[] = [
    ["nesting without end", deep, explicitLittle],
    ["nesting that ends", Buffer.concat([deep, ...Array<Buffer>(10_000).fill(closed)]), explicitLittle],
    ["a bomb", bomb, deflated],
    ["deflated garbage", Buffer.from("this is not deflated".repeat(100)), deflated],
    ["pixels of 4 GB that are not there", endless, explicitLittle],
    ["a name of 4 GB", longName, explicitLittle],
  ];
  for (const [what, bytes, syntax] of sent) {
    const peer = await associated();
    const startedAt = performance.now();
    const status = await store(peer, slice!.sopInstanceUid, bytes, syntax);
    assert.ok(performance.now() - startedAt < 2000, `${what} took too long`);
    assert.match(status ?? "ended", /^(0000|a900|c000)$/, what);
    peer.socket.destroy();
  }
  await assertWell(before);
});

test("UIDs and AE titles that would be paths or patterns become none", async () => {
  const before = await wellBefore();
  const peer = await associated();
  for (const uid of ["../../../../tmp/x", "/etc/passwd", "1.2.3/../4", "1.2.*", "1.2.3\u0000.4", "..", "1..2", "1".repeat(65)])
    assert.match((await store(peer, uid, Buffer.alloc(100))) ?? "ended", /^(0117|a900|c000)$/, uid);
  peer.socket.destroy();
  for (const callingAeTitle of ["*", "CT?", "CT1*", "../CT1", "%", "CT1' or '1'='1"]) {
    const stranger = await RawPeer.connect(box.dicomPort);
    const { accepted, body } = await stranger.associate({ callingAeTitle: callingAeTitle.slice(0, 16) });
    assert.equal(accepted, false);
    assert.deepEqual([...body], [0, 1, 1, 3], callingAeTitle);
    stranger.socket.destroy();
  }
  await assertWell(before);
});
