import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { UnavailableError } from "../../../appliance/base/errors.ts";
import { readInstanceHeader } from "../../../appliance/dicom/instance-header.ts";
import { get, move, type SubOperations } from "../../../appliance/dimse/retrieve.ts";
import type { IncomingInstance } from "../../../appliance/dimse/scp.ts";
import { storeFiles } from "../../../appliance/dimse/scu.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { startDcmqrscp } from "../../peers/dcmtk.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { dataSetOf, exampleCt, explicitHispeed, storeFile } from "./files.ts";
import { recordingSink, type Stored, startRecordingScp } from "./recording-scp.ts";

const nodeAt = (port: number, aeTitle: string): RemoteNode => ({ name: "pacs", aeTitle, host: "127.0.0.1", port });
const header = readInstanceHeader(readFileSync(exampleCt[0]!));
const study = { studyInstanceUid: header.studyInstanceUid };
const series = { ...study, seriesInstanceUid: header.seriesInstanceUid };
/** Orthanc answers whom it knows. */
const segbox = { aeTitle: "SEGBOX", port: 104 };
const done = { completed: exampleCt.length, failed: 0, warning: 0 };

function receiver() {
  const stored: Stored[] = [];
  const events: string[] = [];
  return { stored, events, openInstance: async (instance: IncomingInstance) => recordingSink(instance, stored, events), associationId: -1 };
}

/** Of the example CT, whatever the transfer syntax in which it came. */
function assertAllCame(stored: readonly Stored[]): void {
  assert.deepEqual(
    stored.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
    exampleCt.map((path) => storeFile(path).sopInstanceUid).sort(),
  );
}

test("C-GET: Orthanc sends a study, and a series, on the association on which it is asked", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox } });
  const node = nodeAt(orthanc.dicomPort, orthanc.aeTitle);
  await storeFiles(node, "SEGBOX", [...exampleCt.map(storeFile), storeFile(explicitHispeed)]);
  for (const wanted of [study, series]) {
    const into = receiver();
    const progress: SubOperations[] = [];
    const outcome = await get(node, "SEGBOX", wanted, { ...into, onProgress: (each) => void progress.push(each) });
    assert.partialDeepStrictEqual(outcome, done);
    assertAllCame(into.stored);
    assert.ok(progress.length > 0);
    assert.deepEqual([into.stored[0]?.peer.callingAeTitle, into.stored[0]?.peer.associationId], ["PACS", -1]);
  }
});

test("C-GET: dcmqrscp sends what it has, byte for byte", async () => {
  await using archive = await startDcmqrscp();
  const node = nodeAt(archive.port, archive.aeTitle);
  await storeFiles(node, "SEGBOX", [storeFile(explicitHispeed)]);
  const { studyInstanceUid } = readInstanceHeader(readFileSync(explicitHispeed));
  const into = receiver();
  assert.partialDeepStrictEqual(await get(node, "SEGBOX", { studyInstanceUid }, into), { completed: 1, failed: 0 });
  assert.equal(into.stored[0]?.transferSyntaxUid, storeFile(explicitHispeed).transferSyntaxUid);
  assert.equal(into.stored[0]?.dataSet.length, dataSetOf(explicitHispeed).length);
});

test("C-GET: what can't be stored is refused to the peer, which counts it as failed", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox } });
  const node = nodeAt(orthanc.dicomPort, orthanc.aeTitle);
  await storeFiles(node, "SEGBOX", exampleCt.slice(0, 3).map(storeFile));
  const into = receiver();
  let count = 0;
  const openInstance = async (instance: IncomingInstance) => {
    if (count++ === 1) throw new UnavailableError("disk-full", "no room");
    return into.openInstance(instance);
  };
  const outcome = await get(node, "SEGBOX", study, { ...into, openInstance });
  assert.deepEqual([into.stored.length, outcome.completed, outcome.failed], [2, 2, 1]);
});

test("C-MOVE: dcmqrscp and Orthanc send a series to our SCP, and a destination that they do not know is told", async () => {
  await using own = await startRecordingScp();
  const known = { aeTitle: "SEGBOX", port: own.port };
  await using archive = await startDcmqrscp({ knownNodes: [known] });
  await using orthanc = await startOrthanc({ modalities: { segbox: known } });
  const { studyInstanceUid, seriesInstanceUid } = readInstanceHeader(readFileSync(explicitHispeed));
  for (const node of [nodeAt(archive.port, archive.aeTitle), nodeAt(orthanc.dicomPort, orthanc.aeTitle)]) {
    await storeFiles(node, "SEGBOX", [storeFile(explicitHispeed)]);
    own.stored.length = 0;
    const wanted = { studyInstanceUid, seriesInstanceUid };
    assert.partialDeepStrictEqual(await move(node, "SEGBOX", { wanted, to: "SEGBOX" }), { completed: 1, failed: 0, warning: 0 });
    assert.deepEqual(
      own.stored.map(({ sopInstanceUid }) => sopInstanceUid),
      [storeFile(explicitHispeed).sopInstanceUid],
    );
    await assert.rejects(move(node, "SEGBOX", { wanted, to: "NOBODY" }), (error: Error & { code: string }) => {
      assert.match(error.code, /^(move-destination-unknown|retrieve-refused)$/); // Orthanc says "unable to process"
      assert.match(error.message, /answered C-MOVE with/);
      return true;
    });
  }
});

test("of a study that it does not have dcmqrscp sends nothing, and Orthanc refuses", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox } });
  await assert.rejects(get(nodeAt(orthanc.dicomPort, orthanc.aeTitle), "SEGBOX", { studyInstanceUid: "1.2.3" }, receiver()), {
    name: "RefusedError",
    code: "retrieve-refused",
  });
  await using archive = await startDcmqrscp();
  const outcome = await get(nodeAt(archive.port, archive.aeTitle), "SEGBOX", { studyInstanceUid: "1.2.3" }, receiver());
  assert.deepEqual([outcome.completed, outcome.failed], [0, 0]);
});
