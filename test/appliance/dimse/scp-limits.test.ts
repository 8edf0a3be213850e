import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAssociateAccept } from "../../../appliance/dimse/associate-pdu.ts";
import { echoscu } from "../../peers/dcmtk.ts";
import { associateRequest, echoRequest, explicitLittle, RawPeer, storeRequest, verification } from "./raw-peer.ts";
import { recordingSink, startRecordingScp, until } from "./recording-scp.ts";

test("a peer that is turned away hears the reason, and the reason is told to the handlers", async () => {
  const refused: string[] = [];
  await using scp = await startRecordingScp(
    {},
    {
      acceptAssociation: ({ callingAeTitle, calledAeTitle }) => {
        if (calledAeTitle !== "SEGBOX") return { accept: false, reason: "called-ae-not-recognized" };
        if (callingAeTitle !== "SCANNER") return { accept: false, reason: "calling-ae-not-recognized" };
        return { accept: true };
      },
      associationRefused: ({ callingAeTitle, reason }) => void refused.push(`${callingAeTitle} ${reason}`),
    },
  );
  const echo = (callingAeTitle: string, calledAeTitle: string) => echoscu({ port: scp.port, callingAeTitle, calledAeTitle });
  assert.equal((await echo("SCANNER", "SEGBOX")).code, 0);
  assert.match((await echo("SCANNER", "OTHER")).stderr, /Rejected Permanent[\s\S]*Called AE Title Not Recognized/);
  assert.match((await echo("STRANGER", "SEGBOX")).stderr, /Rejected Permanent[\s\S]*Calling AE Title Not Recognized/);
  assert.deepEqual(refused, ["SCANNER called-ae-not-recognized", "STRANGER calling-ae-not-recognized"]);
  assert.deepEqual(scp.events, ["opened SCANNER", "closed SCANNER"]);
});

test("an AE title that is none and another application context are turned away", async () => {
  await using scp = await startRecordingScp();
  for (const [changes, reject] of [
    [{ callingAeTitle: "" }, [0, 1, 1, 3]],
    [{ calledAeTitle: "A\\B" }, [0, 1, 1, 7]],
    [{ applicationContext: "1.2.3" }, [0, 1, 1, 2]],
  ] as const) {
    const peer = await RawPeer.connect(scp.port);
    const { accepted, body } = await peer.associate(changes);
    assert.equal(accepted, false);
    assert.deepEqual([...body], reject);
    peer.socket.destroy();
  }
});

test("one association above the limit is turned away for now, and there is room again as soon as one ends", async () => {
  await using scp = await startRecordingScp({ maxAssociations: 2 });
  const [first, second] = [await RawPeer.connect(scp.port), await RawPeer.connect(scp.port)];
  assert.equal((await first.associate()).accepted, true);
  assert.equal((await second.associate()).accepted, true);
  assert.equal(scp.scp.associations, 2);
  assert.match((await echoscu({ port: scp.port })).stderr, /Rejected Transient[\s\S]*Local Limit Exceeded/);
  first.sendPdu({ type: "release-request" });
  assert.equal((await first.next())?.type, 6);
  assert.equal((await echoscu({ port: scp.port })).code, 0);
  second.socket.destroy();
});

test("one address can't take all the places", async () => {
  await using scp = await startRecordingScp({ maxAssociations: 3, maxAssociationsPerPeer: 2 });
  const peers = await Promise.all([1, 2, 3].map(() => RawPeer.connect(scp.port)));
  const answers = [];
  for (const peer of peers) answers.push(await peer.associate());
  assert.deepEqual(
    answers.map(({ accepted }) => accepted),
    [true, true, false],
  );
  assert.deepEqual([...answers[2]!.body], [0, 2, 3, 2]);
  peers[0]!.sendPdu({ type: "release-request" });
  await peers[0]!.next();
  assert.equal((await echoscu({ port: scp.port })).code, 0);
  for (const peer of peers) peer.socket.destroy();
});

test("an association that never rests ends all the same when its time is up", async () => {
  await using scp = await startRecordingScp({ associationTimeoutMs: 300 });
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendCommand(storeRequest("1.2.3"));
  const drip = setInterval(() => peer.send(Buffer.from([4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 1, 0, 7, 7])), 20); // never the last
  try {
    assert.equal((await peer.next())?.type, 7);
  } finally {
    clearInterval(drip);
    peer.socket.destroy();
  }
  await until(() => scp.events.at(-1) === "closed SCANNER", "the association to end");
  assert.deepEqual(scp.events, ["opened SCANNER", "open 1.2.3", "abort 1.2.3", "closed SCANNER"]);
});

test("a sender that does not heed the PDU length we ask for is taken up to the length that we take", async () => {
  await using scp = await startRecordingScp({ maxPduLength: 8192, acceptedPduLength: 16384 });
  for (const [length, type] of [
    [16384, 4],
    [16386, 7],
  ] as const) {
    const peer = await RawPeer.connect(scp.port);
    const { body } = await peer.associate();
    assert.equal(parseAssociateAccept(body).userInformation.maxPduLength, 8192);
    peer.sendStore("1.2.3", Buffer.alloc(20_000), 1, length);
    assert.equal((await peer.next())?.type, type);
    peer.socket.destroy();
  }
});

test("a decision that takes time is waited for, and a peer that leaves meanwhile is none", async () => {
  const { promise: decided, resolve: decide } = Promise.withResolvers<{ accept: true }>();
  await using scp = await startRecordingScp({}, { acceptAssociation: () => decided });
  const [stays, leaves] = [await RawPeer.connect(scp.port), await RawPeer.connect(scp.port)];
  const staying = stays.associate();
  leaves.sendPdu({ ...associateRequest, type: "associate-request" });
  await new Promise((resolve) => setTimeout(resolve, 30));
  leaves.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  decide({ accept: true });
  assert.equal((await staying).accepted, true);
  assert.equal(scp.scp.associations, 1);
  stays.socket.destroy();
});

test("a storage class and a transfer syntax that are not served are refused by context, not by association", async () => {
  await using scp = await startRecordingScp();
  const peer = await RawPeer.connect(scp.port);
  const { results } = await peer.associate({
    contexts: [
      { id: 1, abstractSyntax: "1.2.840.10008.5.1.4.1.1.66.4", transferSyntaxes: [explicitLittle] }, // Segmentation
      { id: 3, abstractSyntax: verification, transferSyntaxes: ["1.2.840.10008.1.2.4.100"] }, // MPEG2
      { id: 5, abstractSyntax: verification, transferSyntaxes: [explicitLittle] },
    ],
  });
  assert.deepEqual(results, [3, 4, 0]);
  peer.socket.destroy();
});

test("further storage classes are served where an option says so", async () => {
  const segmentation = "1.2.840.10008.5.1.4.1.1.66.4";
  await using scp = await startRecordingScp({ storageSopClasses: [segmentation] });
  const peer = await RawPeer.connect(scp.port);
  const { results } = await peer.associate({ contexts: [{ id: 1, abstractSyntax: segmentation, transferSyntaxes: [explicitLittle] }] });
  assert.deepEqual(results, [0]);
  peer.sendCommand({ ...storeRequest("1.2.3"), affectedSopClassUid: segmentation });
  peer.send(Buffer.from([4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 1, 2, 7, 7]));
  assert.equal((await peer.nextCommand()).status, 0);
  peer.socket.destroy();
});

test("where every storage class is taken, what is no storage class is not", async () => {
  await using scp = await startRecordingScp({ otherStorageSopClasses: "any" });
  const peer = await RawPeer.connect(scp.port);
  const abstractSyntaxes = ["1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.2.2.1", "1.2.3"];
  const { results } = await peer.associate({
    contexts: abstractSyntaxes.map((abstractSyntax, index) => ({ id: 2 * index + 1, abstractSyntax, transferSyntaxes: [explicitLittle] })),
  });
  assert.deepEqual(results, [0, 0, 3, 3]);
  peer.socket.destroy();
});

test("an object above the limit is drained and refused with A700, the next one is stored", async () => {
  await using scp = await startRecordingScp({ maxObjectBytes: 10_000 });
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendStore("1.2.1", Buffer.alloc(10_001));
  const { status, errorComment } = await peer.nextCommand();
  assert.deepEqual([status, errorComment], [0xa700, "object larger than 10000 bytes"]);
  peer.sendStore("1.2.2", Buffer.alloc(10_000), 2);
  assert.equal((await peer.nextCommand()).status, 0);
  assert.deepEqual(scp.events.slice(1), ["open 1.2.1", "abort 1.2.1", "open 1.2.2", "commit 1.2.2"]);
  peer.socket.destroy();
});

test("a refused data set that does not end is cut off", async () => {
  await using scp = await startRecordingScp({ maxObjectBytes: 10_000 });
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendStore("1.2.1", Buffer.alloc(20_002));
  assert.equal((await peer.next())?.type, 7);
  peer.socket.destroy();
});

test("an association on which nothing arrives is aborted; one whose commit takes longer than that is not", async () => {
  await using scp = await startRecordingScp(
    { idleTimeoutMs: 100 },
    {
      openInstance: async (instance) => {
        const sink = recordingSink(instance, scp.stored, scp.events);
        return { ...sink, commit: () => new Promise((resolve) => setTimeout(() => resolve(sink.commit()), 300)) };
      },
    },
  );
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendStore("1.2.3", Buffer.alloc(1000));
  assert.equal((await peer.nextCommand()).status, 0);
  const startedAt = performance.now();
  assert.equal((await peer.next())?.type, 7);
  const quietMs = performance.now() - startedAt;
  assert.ok(quietMs > 80 && quietMs < 1000, `aborted after ${quietMs} ms`);
  peer.socket.destroy();
});

test("a byte now and then does not hold a socket: the request must be whole in time", async () => {
  await using scp = await startRecordingScp({ handshakeTimeoutMs: 150 });
  const peer = await RawPeer.connect(scp.port);
  const startedAt = performance.now();
  const drip = setInterval(() => peer.send(Buffer.from([1])), 20);
  try {
    await peer.closed();
  } finally {
    clearInterval(drip);
  }
  assert.ok(performance.now() - startedAt < 5000);
  assert.deepEqual(scp.events, []);
});

test("a message that has begun has to get on, however its bytes are cut into PDUs", async () => {
  await using scp = await startRecordingScp({ minimumBytesPerSecond: 2000, paceWindowMs: 200 });
  const header = Buffer.from([4, 0, 0, 0, 16, 0, 0, 0, 15, 252, 1, 0]); // a P-DATA-TF PDU of 4096 bytes
  const drips: Record<string, { begin: Buffer; drop: Buffer; takes: boolean }> = {
    "a byte within a PDU": { begin: header, drop: Buffer.from([7]), takes: true },
    "a whole PDU with one byte": { begin: Buffer.alloc(0), drop: Buffer.from([4, 0, 0, 0, 0, 7, 0, 0, 0, 3, 1, 0, 7]), takes: true },
    "a PDU of an empty value": { begin: Buffer.alloc(0), drop: Buffer.from([4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 0]), takes: true },
    "the command's own bytes": { begin: Buffer.from(header.with(11, 1)), drop: Buffer.from([0]), takes: false },
  };
  for (const [what, { begin, drop, takes }] of Object.entries(drips)) {
    const peer = await RawPeer.connect(scp.port);
    await peer.associate();
    if (takes) peer.sendCommand(storeRequest("1.2.3"));
    peer.send(begin);
    const startedAt = performance.now();
    const drip = setInterval(() => peer.send(drop), 20);
    try {
      assert.equal((await peer.next())?.type, 7, what);
    } finally {
      clearInterval(drip);
      peer.socket.destroy();
    }
    assert.ok(performance.now() - startedAt < 5000, what);
    await until(() => scp.events.at(-1) === "closed SCANNER", `the end of ${what}`);
    const between = takes ? ["open 1.2.3", "abort 1.2.3"] : [];
    assert.deepEqual(scp.events.splice(0), ["opened SCANNER", ...between, "closed SCANNER"], what);
    assert.equal(scp.log.splice(0).filter((line) => line.includes("association-too-slow")).length, 1, what);
  }
});

test("pauses between messages, our own slowness and a rate above the least end nothing", async () => {
  const slow = (promise: () => Promise<void>) => () => new Promise<void>((resolve) => setTimeout(() => resolve(promise()), 500));
  await using scp = await startRecordingScp(
    { minimumBytesPerSecond: 2000, paceWindowMs: 100 },
    {
      openInstance: async (instance) => {
        const sink = recordingSink(instance, scp.stored, scp.events);
        return { ...sink, commit: slow(sink.commit) };
      },
    },
  );
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  await new Promise((resolve) => setTimeout(resolve, 350));
  peer.sendStore("1.2.1", Buffer.alloc(1000));
  assert.equal((await peer.nextCommand()).status, 0);
  peer.sendCommand(storeRequest("1.2.2", 2));
  for (let left = 20; left > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    peer.send(Buffer.from([4, 0, 0, 0, 0x10, 6, 0, 0, 0x10, 2, 1, left === 1 ? 2 : 0, ...Buffer.alloc(4096)]));
  }
  assert.equal((await peer.nextCommand()).status, 0);
  assert.deepEqual(
    scp.stored.map(({ dataSet }) => dataSet.length),
    [1000, 20 * 4096],
  );
  peer.socket.destroy();
});

test("500 half-open sockets neither keep a scanner out nor stay", async () => {
  await using scp = await startRecordingScp({ handshakeTimeoutMs: 500 });
  const idle = await Promise.all(Array.from({ length: 500 }, () => RawPeer.connect(scp.port)));
  const startedAt = performance.now();
  assert.equal((await echoscu({ port: scp.port })).code, 0);
  assert.ok(performance.now() - startedAt < 1000, "answered within a second");
  await Promise.all(idle.map((peer) => peer.closed()));
});

test("closing lets a running association end, and turns new ones away", async () => {
  const { scp, events } = await startRecordingScp();
  const [peer, late] = [await RawPeer.connect(scp.port), await RawPeer.connect(scp.port)];
  await peer.associate();
  const closing = scp.close(5000);
  await late.closed();
  peer.sendStore("1.2.3", Buffer.alloc(1000));
  assert.equal((await peer.nextCommand()).status, 0);
  peer.sendPdu({ type: "release-request" });
  await peer.next();
  peer.socket.destroy();
  await closing;
  assert.deepEqual(events, ["opened SCANNER", "open 1.2.3", "commit 1.2.3", "closed SCANNER"]);
});

test("an association that outlives the grace of closing is aborted, and what it had half-way is thrown away", async () => {
  const { scp, events } = await startRecordingScp({ handshakeTimeoutMs: 200 });
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendCommand(storeRequest("1.2.3"));
  await until(() => events.length === 2, "the sink to open");
  const closing = scp.close(50);
  assert.equal((await peer.next())?.type, 7);
  await closing; // though this peer does not close
  assert.deepEqual(events, ["opened SCANNER", "open 1.2.3", "abort 1.2.3", "closed SCANNER"]);
});

test("a port that is taken is an error, not a crash", async () => {
  await using scp = await startRecordingScp();
  await assert.rejects(startRecordingScp({ port: scp.port }), { code: "EADDRINUSE" });
});

test("C-ECHO is answered 500 times on one association", async () => {
  await using scp = await startRecordingScp();
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  for (let id = 1; id <= 500; id++) {
    peer.sendCommand(echoRequest(id), 3);
    assert.equal((await peer.nextCommand()).messageIdBeingRespondedTo, id);
  }
  peer.socket.destroy();
});
