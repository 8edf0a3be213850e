import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "../../appliance/api/paths.ts";
import { RawPeer } from "../appliance/dimse/raw-peer.ts";
import { readDatabase } from "../chaos/whole-box.ts";
import { type CtSeriesOptions, type MadeInstance, makeCtSeries, uidOf } from "../make/ct-series.ts";
import type { MadeDataSet } from "../make/part10.ts";
import { makeThresholdModel } from "../make/threshold-model.ts";
import { startStorescp } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { type Box, cli, startBox } from "./box.ts";

const mark = "QXMARK";
/** What must not be found: the marks, and a date of birth that is nobody's. */
const marked = /qxmark|19010203|1901-02-03/i;
const dims = [32, 32, 8] as const;

/** Every attribute that leads to a person, a visit or a hospital, and free text in which people write such things. */
function markPatient(dataSet: MadeDataSet): void {
  const texts: readonly (readonly [number, string, string])[] = [
    [0x00080050, "SH", `${mark}ACC`],
    [0x00080080, "LO", `${mark}INSTITUTION`],
    [0x00080090, "PN", `${mark}REFERRING^DOCTOR`],
    [0x00081010, "SH", `${mark}STATION`],
    [0x00081030, "LO", `${mark}STUDY`],
    [0x0008103e, "LO", `${mark}SERIES`],
    [0x00081070, "PN", `${mark}OPERATOR`],
    [0x00100010, "PN", `${mark}FAMILY^${mark}GIVEN`],
    [0x00100020, "LO", `${mark}ID`],
    [0x00100030, "DA", "19010203"],
    [0x00101040, "LO", `${mark}STREET`],
    [0x00104000, "LT", `${mark}COMMENT`],
    [0x00200010, "SH", `${mark}SID`],
    [0x00204000, "LT", `${mark}IMAGECOMMENT`],
  ];
  for (const [tag, vr, value] of texts) dataSet.set(tag, [vr, value]);
}

const hu = (i: number, j: number, k: number) => (i > 8 && i < 24 && j > 8 && j < 24 && k > 1 && k < 6 ? (i < 16 ? 300 : 640) : -1000);

function seriesOf(name: string, more: CtSeriesOptions = {}): MadeInstance[] {
  return makeCtSeries({
    name,
    dims,
    hu,
    spacingMm: [1.5, 1.5, 3],
    ...more,
    edit(dataSet, k) {
      markPatient(dataSet);
      more.edit?.(dataSet, k);
    },
  });
}

/** What stands behind the file meta information, whatever its values are: its length is its first element (PS3.10 7.1). */
function dataSetOf(file: Uint8Array): Buffer {
  const bytes = Buffer.from(file);
  return bytes.subarray(144 + bytes.readUInt32LE(140));
}

/** C-STORE of each; the answers' statuses and comments. */
async function send({ dicomPort }: Box, images: readonly MadeInstance[], sopInstanceUid?: string): Promise<string[]> {
  const peer = await RawPeer.connect(dicomPort);
  await peer.associate({ callingAeTitle: "CT1" });
  const answers: string[] = [];
  for (const { sopInstanceUid: own, bytes } of images) {
    peer.sendStore(sopInstanceUid ?? own, dataSetOf(bytes), 1, 131_072);
    const { status, errorComment = "" } = await peer.nextCommand();
    answers.push(`${status?.toString(16)} ${errorComment}`);
  }
  peer.sendPdu({ type: "release-request" });
  await peer.next();
  peer.socket.destroy();
  return answers;
}

/** Values where a number, a date or a code should stand: what complains of them may not repeat them. */
const misplaced: readonly (readonly [what: string, tag: number, vr: string])[] = [
  ["position", 0x00200032, "DS"],
  ["orientation", 0x00200037, "DS"],
  ["spacing", 0x00280030, "DS"],
  ["slope", 0x00281053, "DS"],
  ["intercept", 0x00281052, "DS"],
  ["rescale type", 0x00281054, "LO"],
  ["image type", 0x00080008, "CS"],
  ["photometric interpretation", 0x00280004, "CS"],
  ["character set", 0x00080005, "CS"],
  ["study date", 0x00080020, "DA"],
  ["series number", 0x00200011, "IS"],
  ["frame of reference", 0x00200052, "UI"],
  ["study UID", 0x0020000d, "UI"],
  ["series UID", 0x0020000e, "UI"],
  ["SOP instance UID", 0x00080018, "UI"],
  ["SOP class UID", 0x00080016, "UI"],
];

test("after good series and bad ones, refusals, a killed child and curious requests, no marked value is in logs, errors, the audit trail or what anybody may read", async () => {
  await using folder = await temporaryFolder("privacy");
  const data = join(folder.path, "data");
  await mkdir(join(data, "models"), { recursive: true });
  await makeThresholdModel(join(data, "models"), "thresholds");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const poison = seriesOf("poison");
  await using box = await startBox({
    data,
    pacs: { aeTitle: "PACS", dicomPort: pacs.port },
    quietSeconds: 0.5,
    rules: [
      { name: "all", match: { minimumSlices: 8 }, model: "thresholds", outputs: ["seg", "rtstruct", "sr"], destinations: ["pacs"] },
      { name: "other", match: { seriesDescription: "^abdomen$" }, model: "thresholds", outputs: ["seg"], destinations: ["pacs"] },
    ],
    env: {
      NODE_OPTIONS: `--import ${join(import.meta.dirname, "../chaos/poison.ts")}`,
      POISON: poison[0]!.sopInstanceUid,
      POISON_DOES: "kill",
    },
  });
  const answers: string[] = [];
  const batch = async (images: readonly MadeInstance[], uid?: string): Promise<void> =>
    void answers.push(...(await send(box, images, uid)));

  await batch(poison);
  await batch(seriesOf("good"));
  await batch(seriesOf("few", { dims: [32, 32, 3] }));
  await batch(seriesOf("missing", { dims: [32, 32, 12], missing: [5] }));
  await batch(seriesOf("cut", { cutTo: (k) => (k === 3 ? -500 : null) }));
  await batch(seriesOf("cut early", { dims: [8, 8, 1], cutTo: () => 700 }));
  await batch(seriesOf("two contents"));
  await batch(seriesOf("two contents", { hu: (i) => 3 * i }));
  await batch(seriesOf("other uid", { dims: [8, 8, 1] }), uidOf("another"));
  for (const [what, tag, vr] of misplaced)
    await batch(seriesOf(what, { edit: (dataSet) => dataSet.set(tag, [vr, `${mark}${vr === "DS" ? "\\1" : ""}`]) }));

  // Curious and clumsy requests to the page, without and with a session
  const asked: string[] = [];
  const ask = async (path: string, init: RequestInit = {}): Promise<void> => {
    const answer = await fetch(box.url + path, init);
    if (answer.status >= 400) asked.push(`${path.split("?")[0]} ${answer.status}: ${await answer.text()}`);
    else await answer.body?.cancel();
  };
  const { cookie } = box;
  const session = { headers: { cookie } };
  const body = `{"name": "${mark}FAMILY^${mark}GIVEN", `;
  for (const init of [{}, session]) {
    await ask(`/dicom-web/studies?PatientName=${mark}FAMILY&PatientBirthDate=19010203`, init);
    await ask(`/dicom-web/studies?PatientBirthDate=${mark}&limit=x`, init);
    await ask(`/api/${mark}FAMILY`, init);
    await ask(`/api/series?before=${mark}`, init);
    await ask(`/${mark}?name=${mark}`, init);
  }
  for (const path of [paths.session, "/api/nodes", "/api/users"])
    await ask(path, { method: "POST", headers: { cookie, origin: box.url, "content-type": "application/json" }, body });
  await ask("/dicom-web/studies", {
    method: "POST",
    headers: { cookie, origin: box.url, "content-type": `multipart/related; boundary=${mark}; type="${mark}"` },
    body: `--${mark}\r\nContent-Type: ${mark}\r\n\r\n${mark}\r\n--${mark}--`,
  });

  await sleep(1_000); // the quiet time
  await eventually(async () => {
    const open = readDatabase(data, (database) => database.get("select 1 from job where state in ('waiting', 'running')"));
    return open === undefined || undefined;
  }, 240_000);
  const open = [await (await fetch(`${box.url}/healthz`)).text(), JSON.stringify(await box.get(paths.device))];
  await box.stop();

  const { delivered, ...kept } = readDatabase(data, (database) => ({
    delivered: database.all("select 1 from delivery where state = 'delivered'").length,
    audit: database.all("select * from audit"),
    "jobs set aside": database.all("select kind, last_error from job where last_error is not null"),
    "reasons of series": database.all("select reason from series where reason is not null"),
    "reasons of results": database.all("select reason from result where reason is not null"),
  }));
  assert.ok(delivered >= 3, "the good series went out, so that its way was seen");
  for (const [what, lines] of Object.entries({ ...kept, "refused images": answers.filter((answer) => !answer.startsWith("0 ")) }))
    assert.ok(lines.length > 0, `${what}: none, so nothing was seen of them`);
  const audited = execFileSync(process.execPath, [cli, "audit", "verify", "--data", data], { encoding: "utf8" });

  const found = Object.entries({
    log: box.process.lines,
    answers,
    "what may be read": open,
    "segbox audit verify": [audited],
    ...kept,
  }).flatMap(([where, lines]) =>
    lines.map((line) => `${where}: ${typeof line === "string" ? line : JSON.stringify(line)}`).filter((line) => marked.test(line)),
  );
  // An answer may repeat what was asked to who asked; a log may not
  assert.deepEqual(found, []);
  assert.ok(asked.length > 5);
});
