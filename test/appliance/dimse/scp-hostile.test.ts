import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { encodeCommandSet } from "../../../appliance/dimse/command-set.ts";
import { encodeData, encodePdu } from "../../../appliance/dimse/pdu.ts";
import { associateRequest, echoRequest, RawPeer, storeRequest } from "./raw-peer.ts";
import { type RecordingScp, startRecordingScp, until } from "./recording-scp.ts";

const pData = (length: number, ...rest: number[]) => Buffer.from([4, 0, ...u32(length), ...rest]);
const u32 = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];

/** The service still answers, at once, and nothing of the attacker is left in it. */
async function assertWell(scp: RecordingScp): Promise<void> {
  const peer = await RawPeer.connect(scp.port);
  const startedAt = performance.now();
  assert.equal((await peer.associate()).accepted, true);
  peer.sendCommand(echoRequest(), 3);
  assert.equal((await peer.nextCommand()).status, 0);
  assert.ok(performance.now() - startedAt < 1000);
  peer.sendPdu({ type: "release-request" });
  await peer.next();
  peer.socket.destroy();
  await until(() => scp.scp.associations === 0, "all associations to end");
  assert.deepEqual(
    scp.log.filter((line) => line.includes('"level":"error"')),
    [],
  );
}

async function associated(scp: RecordingScp): Promise<RawPeer> {
  const peer = await RawPeer.connect(scp.port);
  assert.equal((await peer.associate()).accepted, true);
  return peer;
}
/** Closes on A-ABORT, as a peer does. */
async function abortReason(peer: RawPeer): Promise<string> {
  const pdu = await peer.next();
  peer.socket.destroy();
  return pdu?.type === 7 ? `abort ${pdu.body[2]}/${pdu.body[3]}` : pdu ? `PDU ${pdu.type}` : "closed";
}

test("before an association, garbage and every PDU but A-ASSOCIATE-RQ is answered with A-ABORT", async () => {
  await using scp = await startRecordingScp();
  const sent = [
    Buffer.from("GET / HTTP/1.1\r\nHost: segbox\r\n\r\n"),
    Buffer.from("160301020001000200", "hex"), // a TLS hello on the plain port
    pData(6, 0, 0, 0, 2, 1, 3),
    pData(0xffffffff),
    Buffer.from([1, 0, ...u32(0xffffffff)]),
    Buffer.from([1, 0, ...u32(0)]),
    encodePdu({ type: "release-request" }),
    encodePdu({ type: "release-response" }),
    encodePdu({ type: "associate-reject", result: 1, source: 1, reason: 1 }),
  ];
  for (const bytes of sent) {
    const peer = await RawPeer.connect(scp.port);
    peer.send(bytes);
    assert.match(await abortReason(peer), /^abort 0/, bytes.toString("hex").slice(0, 40));
  }
  const aborting = await RawPeer.connect(scp.port);
  aborting.sendPdu({ type: "abort", source: 0, reason: 0 });
  assert.equal(await abortReason(aborting), "closed");
  await assertWell(scp);
  assert.deepEqual(scp.events, ["opened SCANNER", "closed SCANNER"]);
});

test("within an association, what is not the protocol is answered with A-ABORT and its reason", async () => {
  await using scp = await startRecordingScp();
  const command = encodeCommandSet(storeRequest("1.2.3"));
  const sent: [what: string, bytes: Buffer, answer: string][] = [
    ["an unknown PDU type", Buffer.from([9, 0, ...u32(4), 0, 0, 0, 0]), "abort 2/1"],
    ["a second A-ASSOCIATE-RQ", encodePdu({ ...associateRequest, type: "associate-request" }), "abort 2/2"],
    ["A-RELEASE-RP out of the blue", encodePdu({ type: "release-response" }), "abort 2/2"],
    ["a PDU longer than offered", pData(131_073), "abort 2/6"],
    ["a PDU of 2^32-1 bytes", pData(0xffffffff), "abort 2/6"],
    ["a PDU of 0 bytes", pData(0), "abort 2/6"],
    ["a value longer than its PDU", pData(10, ...u32(100), 1, 3), "abort 2/6"],
    ["a value of 0 bytes", pData(10, ...u32(0), 1, 3), "abort 2/6"],
    ["data on a context that was not accepted", encodeData(99, true, command, 16384), "abort 2/6"],
    ["a data set without its command", encodeData(1, false, Buffer.alloc(10), 16384), "abort 2/5"],
    ["two commands in a row", Buffer.concat([encodeData(1, true, command, 0), encodeData(1, true, command, 0)]), "abort 2/5"],
    ["a command set that is none", encodeData(1, true, Buffer.alloc(100, 0xff), 16384), "abort 2/6"],
    [
      "a command set without end",
      Buffer.concat(Array(5).fill(pData(16384 + 6, ...u32(16384 + 2), 1, 1, ...Buffer.alloc(16384)))),
      "abort 2/6",
    ],
    ["a request without message id", encodeData(1, true, encodeCommandSet({ commandField: 1, commandDataSetType: 1 }), 0), "abort 2/6"],
    [
      "a response nobody waits for",
      encodeData(1, true, encodeCommandSet({ commandField: 0x8001, commandDataSetType: 0x101 }), 0),
      "abort 2/6",
    ],
  ];
  for (const [what, bytes, answer] of sent) {
    const peer = await associated(scp);
    peer.send(bytes);
    assert.equal(await abortReason(peer), answer, what);
  }
  await assertWell(scp);
});

test("a connection lost at any point of an object leaves nothing: the sink is aborted, the association ends once", async () => {
  await using scp = await startRecordingScp();
  const whole = Buffer.concat([
    encodeData(1, true, encodeCommandSet(storeRequest("1.2.3")), 16384),
    encodeData(1, false, Buffer.alloc(20_000), 1000),
  ]);
  const opensAfter = encodeData(1, true, encodeCommandSet(storeRequest("1.2.3")), 16384).length;
  for (let cut = 1; cut < whole.length; cut += 499) {
    scp.events.length = 0;
    const peer = await associated(scp);
    peer.send(whole.subarray(0, cut));
    if (cut > opensAfter) await until(() => scp.events.length === 2, "the sink to open");
    if (cut % 2 === 0) peer.socket.resetAndDestroy();
    else peer.socket.end();
    await until(() => scp.events.at(-1) === "closed SCANNER", "the association to end");
    const expected =
      cut >= opensAfter ? ["opened SCANNER", "open 1.2.3", "abort 1.2.3", "closed SCANNER"] : ["opened SCANNER", "closed SCANNER"];
    assert.deepEqual(scp.events, expected, `cut after ${cut} bytes`);
  }
  assert.deepEqual(scp.stored, []);
  await assertWell(scp);
});

test("A-ABORT and A-RELEASE in the middle of an object throw it away too", async () => {
  await using scp = await startRecordingScp();
  for (const type of ["abort", "release-request"] as const) {
    scp.events.length = 0;
    const peer = await associated(scp);
    peer.sendCommand(storeRequest("1.2.3"));
    peer.send(pData(8, ...u32(4), 1, 0, 7, 7)); // not the last value
    peer.sendPdu(type === "abort" ? { type, source: 0, reason: 0 } : { type });
    await until(() => scp.events.length === 4, "the association to end");
    assert.deepEqual(scp.events, ["opened SCANNER", "open 1.2.3", "abort 1.2.3", "closed SCANNER"]);
    peer.socket.destroy();
  }
  await assertWell(scp);
});

test("random bytes, before and within an association, are survived", async () => {
  await using scp = await startRecordingScp();
  const attack = async (index: number) => {
    const peer = index % 2 === 0 ? await RawPeer.connect(scp.port) : await associated(scp);
    const bytes = randomBytes(1 + (index % 3000));
    if (index % 3 === 0) bytes[0] = 1 + (index % 7); // a PDU type that exists
    peer.send(bytes);
    peer.socket.end();
    await peer.closed();
  };
  for (let index = 0; index < 300; index += 20) await Promise.all(Array.from({ length: 20 }, (_, lane) => attack(index + lane)));
  await assertWell(scp);
  assert.deepEqual(scp.stored, []);
});

test("200 associations at once above a limit of 64: each is served or turned away, and no descriptor is left behind", async () => {
  await using scp = await startRecordingScp();
  await assertWell(scp);
  const before = readdirSync("/proc/self/fd").length;
  const peers = await Promise.all(Array.from({ length: 200 }, () => RawPeer.connect(scp.port)));
  const answers = await Promise.all(peers.map((peer) => peer.associate()));
  assert.equal(answers.filter(({ accepted }) => accepted).length, 64);
  for (const { accepted, body } of answers) if (!accepted) assert.deepEqual([...body], [0, 2, 3, 2]);
  for (const peer of peers) peer.socket.destroy();
  await assertWell(scp);
  await until(() => readdirSync("/proc/self/fd").length <= before + 1, "descriptors to be closed");
});
