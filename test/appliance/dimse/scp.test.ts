import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { dcmsend, echoscu, startStorescp, storescu } from "../../peers/dcmtk.ts";
import { data, dataSetOf, exampleCt, explicitHispeed, hispeed } from "./files.ts";
import { echoRequest, RawPeer, storeRequest } from "./raw-peer.ts";
import { recordingSink, startRecordingScp, until } from "./recording-scp.ts";

test("echoscu is answered", async () => {
  await using scp = await startRecordingScp();
  const { code, stderr } = await echoscu({ port: scp.port });
  assert.equal(code, 0, stderr);
  await until(() => scp.events.length === 2, "the association to close");
  assert.deepEqual(scp.events, ["opened DCMTK", "closed DCMTK"]);
});

test("dcmsend's files arrive in their own transfer syntax, and storescu's with the bytes that dcmtk's own storescp gets", async () => {
  await using scp = await startRecordingScp();
  await using storescp = await startStorescp();
  const options = new Map([
    [".1.2.1.99.dcm", "-xd"],
    [".4.90.dcm", "-xv"],
    [".4.80.dcm", "-xt"],
    [".4.70.dcm", "-xs"],
    [".1.2.5.dcm", "-xr"],
    [".1.2.1.dcm", "-x="],
    ["CTImage.dcm", "-xi"],
  ]);
  for (const path of hispeed) {
    const [, option] = [...options].find(([end]) => path.endsWith(end))!;
    for (const { port } of [scp, storescp])
      assert.deepEqual((await storescu({ port, paths: [path], options: [option] })).statuses, ["0000"], path);
    const [theirs = ""] = await storescp.files();
    const { sopInstanceUid, transferSyntaxUid } = readFileMeta(await readFile(path));
    const ours = scp.stored.at(-1)!;
    assert.equal(ours.transferSyntaxUid, transferSyntaxUid);
    assert.equal(ours.sopInstanceUid, sopInstanceUid);
    assert.ok(ours.dataSet.equals(dataSetOf(theirs)), path);
  }
  assert.equal(scp.stored.length, 7);
});

test("a series of 20 JPEG 2000 images arrives byte for byte, private tags included", async () => {
  await using scp = await startRecordingScp();
  const sent = await dcmsend({ port: scp.port, paths: [data("example-ct")] });
  assert.deepEqual(sent.statuses, Array(20).fill("0000"), sent.stderr);
  const received = new Map(scp.stored.map(({ sopInstanceUid, dataSet }) => [sopInstanceUid, dataSet]));
  for (const path of exampleCt) {
    const { sopInstanceUid } = readFileMeta(await readFile(path));
    assert.ok(received.get(sopInstanceUid)?.equals(dataSetOf(path)), path);
  }
  assert.ok(scp.stored[0]?.dataSet.includes("SIEMENS CT"), "a private creator");
});

test("four senders at once get what each of them sent stored, and one whose commit hangs holds up no other", async () => {
  const { promise: freed, resolve: free } = Promise.withResolvers<void>();
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async (instance) => {
        const sink = recordingSink(instance, scp.stored, scp.events);
        const commit = () => (instance.peer.callingAeTitle === "SLOW" ? freed.then(() => sink.commit()) : sink.commit());
        return { ...sink, commit };
      },
    },
  );
  const send = (callingAeTitle: string) => storescu({ port: scp.port, callingAeTitle, paths: [explicitHispeed], options: ["-x="] });
  const slow = send("SLOW");
  await until(() => scp.events.some((event) => event.startsWith("open ")), "the slow sink to open");
  const others = await Promise.all(["ONE", "TWO", "THREE"].map(send));
  assert.deepEqual(
    others.flatMap(({ statuses }) => statuses),
    ["0000", "0000", "0000"],
  );
  assert.equal(scp.stored.length, 3);
  free();
  assert.deepEqual((await slow).statuses, ["0000"]);
  assert.equal(scp.stored.length, 4);
});

test("Success is sent only after commit, and the association counts as closed only after its last sink is settled", async () => {
  const { promise: freed, resolve: free } = Promise.withResolvers<void>();
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async (instance) => {
        const sink = recordingSink(instance, scp.stored, scp.events);
        return { ...sink, commit: () => freed.then(() => sink.commit()) };
      },
    },
  );
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendStore("1.2.3", Buffer.alloc(1000));
  const answer = peer.nextCommand();
  const early = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve("nothing yet"), 50))]);
  assert.equal(early, "nothing yet");
  peer.sendPdu({ type: "release-request" });
  free();
  assert.equal((await answer).status, 0);
  await until(() => scp.events.length === 4, "the association to close");
  assert.deepEqual(scp.events, ["opened SCANNER", "open 1.2.3", "commit 1.2.3", "closed SCANNER"]);
});

test("what a sink or its opening throws becomes the status, its data set is read to the end, and the association goes on", async () => {
  const errors: Record<string, Error> = {
    "1.1": new UnavailableError("disk-full", "disk full"),
    "1.2": new RefusedError("instance-mismatch", "other series"),
    "1.3": new TypeError("a fault of ours"),
  };
  const throwing = async (uid: string) => {
    if (errors[uid]) throw errors[uid];
  };
  for (const where of ["open", "write", "commit"]) {
    await using scp = await startRecordingScp(
      {},
      {
        openInstance: async (instance) => {
          const fault = () => throwing(instance.sopInstanceUid);
          if (where === "open") await fault();
          const sink = recordingSink(instance, scp.stored, scp.events);
          if (where === "write") return { ...sink, write: fault };
          return { ...sink, commit: () => fault().then(() => sink.commit()) };
        },
      },
    );
    const peer = await RawPeer.connect(scp.port);
    await peer.associate();
    const statuses: string[] = [];
    for (const uid of ["1.1", "1.2", "1.3", "1.4"]) {
      peer.sendStore(uid, Buffer.alloc(100_000));
      const { status, errorComment } = await peer.nextCommand();
      statuses.push(`${status?.toString(16)} ${errorComment ?? ""}`);
    }
    assert.deepEqual(statuses, ["a700 disk full", "a900 other series", "110 internal error", "0 "], where);
    const aborted = scp.events.filter((event) => event.startsWith("abort"));
    assert.deepEqual(aborted, where === "open" ? [] : ["abort 1.1", "abort 1.2", "abort 1.3"], where);
    peer.socket.destroy();
  }
});

test("a request that can't be right is answered with the status of the standard, and no sink is opened for it", async () => {
  await using scp = await startRecordingScp();
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  const answerTo = async (changes: object, contextId = 1) => {
    peer.sendCommand({ ...storeRequest("1.2.3"), ...changes }, contextId);
    peer.send(Buffer.from([4, 0, 0, 0, 0, 8, 0, 0, 0, 4, contextId, 2, 7, 7]));
    return (await peer.nextCommand()).status?.toString(16);
  };
  assert.equal(await answerTo({ affectedSopInstanceUid: "../../etc/passwd" }), "117");
  assert.equal(await answerTo({ affectedSopInstanceUid: "1".repeat(65) }), "117");
  assert.equal(await answerTo({ affectedSopInstanceUid: undefined }), "117");
  assert.equal(await answerTo({ affectedSopClassUid: "1.2.840.10008.5.1.4.1.1.4" }), "a900");
  assert.equal(await answerTo({}, 3), "a900"); // CT on the context of Verification
  assert.equal(await answerTo({ commandField: 0x20 }), "211"); // C-FIND
  peer.sendCommand({ ...storeRequest("1.2.3"), commandDataSetType: 0x0101 });
  assert.equal((await peer.nextCommand()).status?.toString(16), "c000");
  peer.sendCommand(echoRequest(77), 3);
  assert.deepEqual(await peer.nextCommand(), {
    affectedSopClassUid: "1.2.840.10008.1.1",
    commandField: 0x8030,
    messageIdBeingRespondedTo: 77,
    commandDataSetType: 0x0101,
    status: 0,
  });
  assert.deepEqual(scp.events, ["opened SCANNER"]);
  peer.socket.destroy();
});

test("requests that a peer sends ahead of their answers are answered in their order", async () => {
  await using scp = await startRecordingScp();
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  for (const id of [1, 2, 3]) peer.sendStore(`1.2.${id}`, Buffer.alloc(50_000, id), id);
  for (const id of [1, 2, 3]) assert.equal((await peer.nextCommand()).messageIdBeingRespondedTo, id);
  assert.deepEqual(
    scp.stored.map(({ dataSet }) => dataSet[49_999]),
    [1, 2, 3],
  );
  peer.socket.destroy();
});
