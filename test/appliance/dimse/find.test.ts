import assert from "node:assert/strict";
import { test } from "node:test";
import { find } from "../../../appliance/dimse/find.ts";
import { testNode } from "../../../appliance/dimse/probe.ts";
import { storeFiles } from "../../../appliance/dimse/scu.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { startDcmqrscp, startStorescp } from "../../peers/dcmtk.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { exampleCt, storeFile } from "./files.ts";
import { namedImage, newUid } from "./named-images.ts";
import { startRecordingScp } from "./recording-scp.ts";

const nodeAt = (port: number, aeTitle: string, more: Partial<RemoteNode> = {}): RemoteNode => ({
  name: "pacs",
  aeTitle,
  host: "127.0.0.1",
  port,
  ...more,
});

/** Orthanc answers queries of whom it knows. */
const segbox = { aeTitle: "SEGBOX", port: 104 };

/** Names by their character sets, each of a study of its own. */
const names: readonly (readonly [name: string, ...sets: string[]])[] = [
  ["Müller^Jörg", "ISO_IR 100"],
  ["Wałęsa^Lech", "ISO_IR 101"],
  ["Yamada^Tarou=山田^太郎=やまだ^たろう", "", "ISO 2022 IR 87"],
  ["Hong^Gildong=洪^吉洞=홍^길동", "", "ISO 2022 IR 149"],
  ["Wang^XiaoDong=王^小东", "GB18030"],
  ["Люк^Иван", "ISO_IR 192"],
];

async function sendNames(node: RemoteNode, folder: string): Promise<ReadonlyMap<string, string>> {
  const studies = new Map(names.map(([name]) => [newUid(), name]));
  const files = [];
  for (const [studyInstanceUid, name] of studies) {
    const sets = names.find(([each]) => each === name)!.slice(1);
    files.push(await namedImage(folder, { name, sets, studyInstanceUid, seriesInstanceUid: newUid() }));
  }
  for (const outcome of await storeFiles(node, "SEGBOX", files)) assert.equal(outcome.kind, "stored");
  return studies;
}

test("dcmqrscp is asked for studies, series and images, and names in every character set read as they were sent", async () => {
  await using folder = await temporaryFolder("names");
  await using archive = await startDcmqrscp();
  const node = nodeAt(archive.port, archive.aeTitle);
  const studies = await sendNames(node, folder.path);
  const { matches, isCut } = await find(node, "SEGBOX", { level: "study", keys: { studyDate: "20260101-20260201" } });
  assert.equal(isCut, false);
  assert.deepEqual(new Map(matches.map(({ studyInstanceUid = "", patientName = "" }) => [studyInstanceUid, patientName])), studies);
  const [studyInstanceUid = ""] = studies.keys();
  const series = (await find(node, "SEGBOX", { level: "series", keys: { studyInstanceUid } })).matches;
  assert.deepEqual(
    series.map((match) => [match.modality, match.seriesNumber]),
    [["CT", "1"]],
  );
  const { seriesInstanceUid = "" } = series[0]!;
  const images = await find(node, "SEGBOX", { level: "image", keys: { studyInstanceUid, seriesInstanceUid } });
  assert.equal(images.matches.length, 1);
  const cut = await find(node, "SEGBOX", { level: "study", keys: {} }, { mostMatches: 2 });
  assert.deepEqual([cut.matches.length, cut.isCut], [2, true]);
});

test("Orthanc is asked in UTF-8 and answers so, and says how many images a series has", async () => {
  await using folder = await temporaryFolder("names");
  await using orthanc = await startOrthanc({ modalities: { segbox }, settings: { DefaultEncoding: "Utf8" } });
  const node = nodeAt(orthanc.dicomPort, orthanc.aeTitle, { characterSet: "ISO_IR 192" });
  const studies = await sendNames(node, folder.path);
  for (const [studyInstanceUid, name] of studies) {
    const { matches } = await find(node, "SEGBOX", { level: "study", keys: { patientName: name } });
    assert.deepEqual(
      matches.map((match) => [match.studyInstanceUid, match.patientName]),
      [[studyInstanceUid, name]],
    );
  }
  await storeFiles(node, "SEGBOX", exampleCt.map(storeFile));
  const [ct] = (await find(node, "SEGBOX", { level: "study", keys: { numberOfStudyRelatedInstances: "" } })).matches.filter(
    ({ studyInstanceUid }) => !studies.has(studyInstanceUid ?? ""),
  );
  assert.equal(ct?.numberOfStudyRelatedInstances, String(exampleCt.length));
  const series = await find(node, "SEGBOX", { level: "series", keys: { studyInstanceUid: ct?.studyInstanceUid ?? "" } });
  assert.equal(series.matches[0]?.numberOfSeriesRelatedInstances, String(exampleCt.length));
});

test("a text that the node's character set can't say is refused before anything is sent", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox } });
  const node = nodeAt(orthanc.dicomPort, orthanc.aeTitle, { characterSet: "ISO_IR 100" });
  await assert.rejects(find(node, "SEGBOX", { level: "study", keys: { patientName: "山田*" } }), { code: "text-not-encodable" });
});

test("a test says which services a node has", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox } });
  await using archive = await startDcmqrscp();
  await using storescp = await startStorescp();
  await using own = await startRecordingScp();
  const servicesAt = async (port: number, aeTitle: string) => (await testNode(nodeAt(port, aeTitle), "SEGBOX")).services.join(" ");
  assert.equal(await servicesAt(orthanc.dicomPort, orthanc.aeTitle), "echo store find move get commitment");
  assert.equal(await servicesAt(archive.port, archive.aeTitle), "echo store find move get");
  assert.equal(await servicesAt(own.port, "SEGBOX"), "echo store");
  assert.match(await servicesAt(storescp.port, storescp.aeTitle), /^echo store/);
});

test("a node that answers no queries is told from one that refuses them", async () => {
  await using own = await startRecordingScp();
  await assert.rejects(find(nodeAt(own.port, "SEGBOX"), "SEGBOX", { level: "study", keys: {} }), {
    name: "RefusedError",
    code: "presentation-context-refused",
  });
});
