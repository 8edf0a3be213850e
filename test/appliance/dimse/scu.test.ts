import assert from "node:assert/strict";
import { copyFile, readFile, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";
import { raw, sequence, text, writePart10 } from "../../../appliance/dicom/write.ts";
import {
  openAssociation,
  type RemoteNode,
  refusesItsClass,
  type StoreOutcome,
  storeFiles,
  storeFirstTaken,
} from "../../../appliance/dimse/scu.ts";
import { startDcmrecv, startStorescp } from "../../peers/dcmtk.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { freePort } from "../../peers/ports.ts";
import { python } from "../../peers/python.ts";
import { data, dataSetOf, exampleCt, explicitHispeed, hispeed, storeFile } from "./files.ts";
import { ctStorage, explicitLittle } from "./raw-peer.ts";
import { recordingSink, startRecordingScp, until } from "./recording-scp.ts";

const nodeAt = (port: number, aeTitle = "PACS"): RemoteNode => ({ name: "pacs", aeTitle, host: "127.0.0.1", port });
const stored: StoreOutcome = { kind: "stored", status: 0 };
/** The deflated file is odd; it goes out with the null byte that PS3.5 annex A.5 has for that. */
const sentOf = (path: string): Buffer => Buffer.concat([dataSetOf(path), Buffer.alloc(dataSetOf(path).length % 2)]);
const ctContext = [{ abstractSyntax: ctStorage, transferSyntaxes: [explicitLittle] }];

test("storescp gets every transfer syntax byte for byte over one association", async () => {
  await using storescp = await startStorescp({ options: ["--unique-filenames"] });
  const seen: number[] = [];
  const outcomes = await storeFiles(nodeAt(storescp.port), "SEGBOX", [...hispeed, ...exampleCt].map(storeFile), {
    onStored: (index) => void seen.push(index),
  });
  assert.deepEqual(outcomes, Array(27).fill(stored));
  assert.deepEqual(seen, [...Array(27).keys()]);
  const received = (await storescp.files()).map(dataSetOf);
  assert.equal(received.length, 27);
  for (const path of [...hispeed, ...exampleCt])
    assert.ok(
      received.some((bytes) => bytes.equals(sentOf(path))),
      path,
    );
});

test("a peer that takes only small PDUs gets the same bytes", async () => {
  await using storescp = await startStorescp({ options: ["--max-pdu", "4096"] });
  assert.deepEqual(await storeFiles(nodeAt(storescp.port), "SEGBOX", [storeFile(explicitHispeed)]), [stored]);
  const [received = ""] = await storescp.files();
  assert.ok(dataSetOf(received).equals(dataSetOf(explicitHispeed)));
});

test("Orthanc takes an uncompressed and a JPEG 2000 image", async () => {
  await using orthanc = await startOrthanc({ aeTitle: "PACS" });
  const paths = [explicitHispeed, exampleCt[0]!];
  assert.deepEqual(await storeFiles(nodeAt(orthanc.dicomPort), "SEGBOX", paths.map(storeFile)), [stored, stored]);
  const ids = (await orthanc.call("GET", "/instances")) as string[];
  const tags = await Promise.all(ids.map((id) => orthanc.call("GET", `/instances/${id}/simplified-tags`)));
  assert.deepEqual(
    (tags as { SOPInstanceUID: string }[]).map((tag) => tag.SOPInstanceUID).sort(),
    paths.map((path) => storeFile(path).sopInstanceUid).sort(),
  );
});

test("our own SCP gets what our own SCU sends", async () => {
  await using scp = await startRecordingScp();
  assert.deepEqual(await storeFiles(nodeAt(scp.port), "SEGBOX", hispeed.map(storeFile)), Array(7).fill(stored));
  for (const [index, path] of hispeed.entries()) assert.ok(scp.stored[index]?.dataSet.equals(sentOf(path)), path);
});

test("each file has its own outcome: a refused context, an unreadable file and a refusal do not keep the others back", async () => {
  const errors: Record<string, Error> = {
    "1.1": new UnavailableError("disk-full", "disk full"),
    "1.2": new RefusedError("instance-mismatch", "no CT"),
  };
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async (instance) => {
        const error = errors[instance.sopInstanceUid];
        if (error) throw error;
        return recordingSink(instance, scp.stored, scp.events);
      },
    },
  );
  const file = storeFile(explicitHispeed);
  const outcomes = await storeFiles(nodeAt(scp.port), "SEGBOX", [
    { ...file, sopInstanceUid: "1.1" },
    { ...file, sopInstanceUid: "1.2" },
    { ...file, sopClassUid: "1.2.840.10008.5.1.4.1.1.66.4" },
    { ...file, path: "/nowhere/at/all" },
    { ...file, dataSetOffset: 1e9 },
    file,
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.kind === "stored" ? "stored" : `${outcome.kind} ${outcome.permanent} ${outcome.message}`)),
    [
      "refused false the peer answered A700: disk full",
      "refused true the peer answered A900: no CT",
      "not-sent true the peer does not take class 1.2.840.10008.5.1.4.1.1.66.4 in transfer syntax 1.2.840.10008.1.2.1",
      "not-sent true can't open the file to send (ENOENT)",
      "not-sent true the file has 531324 bytes, its data set should begin at 1000000000",
      "stored",
    ],
  );
});

test("a peer that aborts half-way leaves the files without an answer to be tried again", async () => {
  for (const option of ["--abort-during", "--abort-after"]) {
    await using storescp = await startStorescp({ options: [option] });
    const outcomes = await storeFiles(nodeAt(storescp.port), "SEGBOX", [storeFile(explicitHispeed), storeFile(hispeed[0]!)]);
    for (const outcome of outcomes)
      assert.ok(outcome.kind === "not-sent" && outcome.code === "association-aborted" && !outcome.permanent, option);
  }
});

test("a file that shrinks while it is sent ends the association: its message can't be completed", async () => {
  await using folder = await temporaryFolder();
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async (instance) => {
        await truncate(path, 4_000_000);
        return recordingSink(instance, scp.stored, scp.events);
      },
    },
  );
  const path = join(folder.path, "shrinks.dcm");
  await copyFile(explicitHispeed, path);
  const file = storeFile(path);
  await truncate(path, 30_000_000); // sparse: the first batches are sent, then the end is missing
  const [first, second] = await storeFiles(nodeAt(scp.port), "SEGBOX", [file, file]);
  assert.ok(first?.kind === "not-sent" && first.code === "file-unreadable" && first.permanent);
  assert.ok(second?.kind === "not-sent" && second.code === "association-aborted" && !second.permanent);
  await until(() => scp.events.at(-1) === "closed SEGBOX", "the association to end");
  assert.deepEqual(scp.stored, []);
});

test("what keeps an association from opening is told apart", async () => {
  const codeOf = async (node: RemoteNode, timeouts = {}) => {
    try {
      const association = await openAssociation(node, "SEGBOX", ctContext, { timeouts });
      await association.release();
      return "opened";
    } catch (error) {
      const kind = error instanceof RefusedError ? "refused" : error instanceof UnavailableError ? "unavailable" : "bug";
      return `${kind} ${(error as RefusedError).code}`;
    }
  };
  assert.equal(await codeOf(nodeAt(await freePort())), "unavailable peer-refused-connection");
  assert.equal(await codeOf({ ...nodeAt(104), host: "no-such-host.invalid" }), "unavailable peer-unreachable");
  await using rejecting = await startStorescp({ options: ["--refuse"] });
  assert.equal(await codeOf(nodeAt(rejecting.port)), "refused association-rejected");
  await using full = await startRecordingScp({ maxAssociations: 0 });
  assert.equal(await codeOf(nodeAt(full.port)), "unavailable association-rejected");
  await using open = await startRecordingScp();
  assert.equal(await codeOf(nodeAt(open.port)), "opened");

  const silent = createServer().listen(0, "127.0.0.1");
  const closing = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await until(() => silent.listening && closing.listening, "two servers to listen");
  const portOf = (server: typeof silent) => (server.address() as { port: number }).port;
  assert.equal(await codeOf(nodeAt(portOf(silent)), { connectMs: 50, associateMs: 50 }), "unavailable peer-timeout");
  assert.equal(await codeOf(nodeAt(portOf(closing))), "unavailable association-aborted");
  silent.close();
  closing.close();
});

test("a rejection carries the peer's own reason", async () => {
  await using scp = await startRecordingScp({}, { acceptAssociation: () => ({ accept: false, reason: "calling-ae-not-recognized" }) });
  await assert.rejects(openAssociation(nodeAt(scp.port), "SEGBOX", ctContext), {
    name: "RefusedError",
    message: "pacs rejected the association: calling-ae-not-recognized (result 1, source 1, reason 3)",
  });
});

test("a peer that does not answer in time is given up, and so are the files after it", async () => {
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async (instance) => ({
        ...recordingSink(instance, scp.stored, scp.events),
        commit: () => new Promise((resolve) => setTimeout(resolve, 500)),
      }),
    },
  );
  const outcomes = await storeFiles(nodeAt(scp.port), "SEGBOX", [storeFile(explicitHispeed), storeFile(hispeed[0]!)], {
    timeouts: { responseMs: 100 },
  });
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === "not-sent" && outcome.code),
    ["peer-timeout", "peer-timeout"],
  );
});

test("a signal ends the sending with its reason, and the peer hears an abort", async () => {
  const controller = new AbortController();
  await using scp = await startRecordingScp();
  const sending = storeFiles(nodeAt(scp.port), "SEGBOX", Array(200).fill(storeFile(explicitHispeed)), {
    signal: controller.signal,
    onStored(index) {
      if (index === 3) controller.abort(new Error("the service stops"));
    },
  });
  await assert.rejects(sending, { message: "the service stops" });
  await until(() => scp.events.at(-1) === "closed SEGBOX", "the association to end");
  assert.ok(scp.log.some((line) => line.includes('"end":"aborted by the peer"')));
});

test("no files are no association", async () => {
  assert.deepEqual(await storeFiles(nodeAt(1), "SEGBOX", []), []);
});

test("a file of 40 MB goes out in order, batch after batch", async () => {
  await using folder = await temporaryFolder();
  await using scp = await startRecordingScp();
  const path = join(folder.path, "large.dcm");
  await copyFile(data("ct-corpus/ge-small/CT_small.dcm"), path);
  const file = storeFile(path);
  await truncate(path, 40_000_000);
  assert.deepEqual(await storeFiles(nodeAt(scp.port), "SEGBOX", [file]), [stored]);
  assert.ok(scp.stored[0]?.dataSet.equals((await readFile(path)).subarray(file.dataSetOffset)));
});

const seg = storeFile(data("ct-corpus/tiny-23x38x3-seg/label.seg"));
const rtstruct = storeFile(data("ct-corpus/ge-discovery-mi-rtstruct/rt.dcm"));
const outcomesOf = (outcomes: readonly StoreOutcome[]): string[] =>
  outcomes.map((outcome) => (refusesItsClass(outcome) ? "class refused" : outcome.kind));

test("of several forms the first goes whose class the peer takes, over one association, also where it would reject one with no class it takes", async () => {
  await using dcmrecv = await startDcmrecv({ takes: [rtstruct.sopClassUid] });
  const node = nodeAt(dcmrecv.port, dcmrecv.aeTitle);
  await assert.rejects(storeFiles(node, "SEGBOX", [seg]), { code: "association-rejected" }, "so this peer is one that rejects");
  assert.deepEqual(outcomesOf(await storeFirstTaken(node, "SEGBOX", [seg, rtstruct])), ["class refused", "stored"]);
  assert.deepEqual(outcomesOf(await storeFirstTaken(node, "SEGBOX", [seg])), ["class refused"], "and no longer one that seems away");
  assert.deepEqual(outcomesOf(await storeFirstTaken(node, "SEGBOX", [rtstruct, seg])), ["stored"]);
  const [received = ""] = await dcmrecv.files();
  assert.ok(dataSetOf(received).equals(dataSetOf(rtstruct.path)));
});

test("a peer that refuses the class by its answer gets the next form on the same association", async () => {
  const refuse = new RefusedError("instance-mismatch", "not this class");
  await using scp = await startRecordingScp(
    { storageSopClasses: [seg.sopClassUid, rtstruct.sopClassUid] },
    {
      openInstance: async (instance) =>
        instance.sopClassUid === seg.sopClassUid ? Promise.reject(refuse) : recordingSink(instance, scp.stored, scp.events),
    },
  );
  assert.deepEqual(outcomesOf(await storeFirstTaken(nodeAt(scp.port), "SEGBOX", [seg, rtstruct])), ["class refused", "stored"]);
  await until(() => scp.events.includes("closed SEGBOX"), "the end of the association");
  assert.equal(scp.events.filter((event) => event.startsWith("opened")).length, 1);
});

test("what the peer takes but can't store now ends the search: the next form is no better", async () => {
  await using scp = await startRecordingScp(
    { storageSopClasses: [seg.sopClassUid, rtstruct.sopClassUid] },
    { openInstance: () => Promise.reject(new UnavailableError("disk-full", "no room")) },
  );
  const [outcome, ...others] = await storeFirstTaken(nodeAt(scp.port), "SEGBOX", [seg, rtstruct]);
  assert.partialDeepStrictEqual(outcome, { kind: "refused", status: 0xa700, permanent: false });
  assert.deepEqual(others, []);
});

test("a peer that turns us away whatever we propose is one that does not know us, not one that refuses a class", async () => {
  await using storescp = await startStorescp({ options: ["--refuse"] });
  await assert.rejects(storeFirstTaken(nodeAt(storescp.port), "SEGBOX", [seg, rtstruct]), { code: "association-rejected" });
});

test("what we wrote goes out in Implicit VR where the peer takes only that, with the same values; a file of others does not", async () => {
  const all = [seg, storeFile(explicitHispeed)].map((file) => ({ ...file, isOurs: true }));
  const takes = all.map(({ sopClassUid }) => sopClassUid);
  await using storescp = await startStorescp({
    takes,
    syntaxes: ["LittleEndianImplicit"],
    options: ["--unique-filenames", "--max-pdu", "4096"],
  });
  const rewritten = { ...stored, rewritten: "implicit" };
  assert.deepEqual(await storeFiles(nodeAt(storescp.port), "SEGBOX", all), [rewritten, rewritten]);
  const received = await storescp.files();
  for (const { path, sopInstanceUid } of all) {
    const other = received.find((file) => storeFile(file).sopInstanceUid === sopInstanceUid)!;
    assert.deepEqual(await python("test/reference/same-values.py", [path, other]), {
      syntaxes: [explicitLittle, "1.2.840.10008.1.2"],
      different: [],
    });
  }
  const [foreign] = await storeFiles(nodeAt(storescp.port), "SEGBOX", [seg]);
  assert.equal(foreign?.kind === "not-sent" && foreign.code, "presentation-context-refused");
  await using both = await startStorescp({ takes });
  assert.deepEqual(await storeFiles(nodeAt(both.port), "SEGBOX", all), [stored, stored]);
  const [first = ""] = await both.files();
  assert.equal(storeFile(first).transferSyntaxUid, explicitLittle, "byte for byte where that is taken");
});

test("a large object is rewritten piece by piece: its head may be longer than what is read at first", async () => {
  await using folder = await temporaryFolder("implicit");
  const path = join(folder.path, "large.dcm");
  const sopInstanceUid = "1.2.3.4";
  const items = Array.from({ length: 100 }, (_, index) => [text(0x00081150, "UI", ctStorage), text(0x00081155, "UI", `1.2.3.${index}`)]);
  const elements = [
    text(0x00080016, "UI", seg.sopClassUid),
    text(0x00080018, "UI", sopInstanceUid),
    sequence(0x00081140, ...items),
    raw(0x00420011, "OB", Buffer.alloc(5_000_000, "document")),
    raw(0x7fe00010, "OB", Buffer.alloc(9_000_001, "pixels")),
  ];
  await writeFile(path, Buffer.concat([...writePart10({ sopClassUid: seg.sopClassUid, sopInstanceUid, encoding: "explicit", elements })]));
  await using storescp = await startStorescp({ takes: [seg.sopClassUid], syntaxes: ["LittleEndianImplicit"] });
  assert.deepEqual(await storeFiles(nodeAt(storescp.port), "SEGBOX", [{ ...storeFile(path), isOurs: true }]), [
    { ...stored, rewritten: "implicit" },
  ]);
  const [received = ""] = await storescp.files();
  assert.deepEqual(await python("test/reference/same-values.py", [path, received]), {
    syntaxes: [explicitLittle, "1.2.840.10008.1.2"],
    different: [],
  });
});
