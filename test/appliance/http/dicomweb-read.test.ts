import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { parseMediaType } from "../../../appliance/dicomweb/media-types.ts";
import { boundaryOf, type MultipartLimits, readMultipart } from "../../../appliance/dicomweb/multipart-reader.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { issueNodeToken } from "../../../appliance/store/node-tokens.ts";
import { getResult, moveResult, setReview, setSegmented, setWritten } from "../../../appliance/store/results.ts";
import { addNode, removeNode } from "../../../appliance/store/settings.ts";
import { makeCtSeries, uidOf } from "../../make/ct-series.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";
import { addPendingResult, type Box, startBox } from "./box.ts";
import { storeObjects } from "./stored-objects.ts";

const corpus = join(import.meta.dirname, "../../data/ct-corpus");
const one: MultipartLimits = { parts: 1000 };
type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>;

let box: Box;
let token: string;
const chest = makeCtSeries({ name: "chest", characterSet: "ISO_IR 100", patientName: "M\xfcller^J\xf6rg" });
const head = makeCtSeries({
  name: "head",
  edit: (dataSet) => {
    dataSet.set(0x00100020, ["LO", "PHANTOM-2"]);
    dataSet.set(0x00080020, ["DA", "20251231"]);
  },
});
const syntaxes: Uint8Array[] = [];

before(async () => {
  box = await startBox();
  addNode(box.database, { name: "viewer", aeTitle: "OHIF", host: "127.0.0.1", port: 104 });
  token = issueNodeToken(box.database, "viewer", Date.now());
  await storeObjects(
    box,
    [...chest, ...head].map(({ bytes }) => bytes),
  );
});
after(() => box.close());

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${box.origin}/dicom-web${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });

async function search(path: string): Promise<Json[]> {
  const answer = await get(path, { accept: "application/dicom+json" });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Json[];
}

const values = (found: readonly Json[], tag: string): unknown[] => found.map((json) => json[tag]?.Value?.[0]);

async function partsOf(answer: Response): Promise<{ type: string; bytes: Buffer }[]> {
  assert.equal(answer.status, 200, answer.status === 200 ? "" : await answer.text());
  const boundary = boundaryOf(parseMediaType(answer.headers.get("content-type")!));
  const parts: { type: string; bytes: Buffer }[] = [];
  for await (const { headers, body } of readMultipart(answer.body!, boundary, one)) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    parts.push({ type: headers.get("content-type") ?? "", bytes: Buffer.concat(pieces) });
  }
  return parts;
}

test("a node's token opens DICOMweb, nothing else does but a session, and a token ends with its node", async () => {
  const ask = async (headers: Record<string, string>) => (await fetch(`${box.origin}/dicom-web/studies`, { headers })).status;
  assert.equal(await ask({}), 401);
  assert.equal(await ask({ authorization: `Bearer ${"x".repeat(43)}` }), 401);
  assert.equal(await ask({ authorization: `Basic ${token}` }), 401);
  assert.equal(await ask({ authorization: `Bearer ${token}` }), 200);
  assert.equal(await ask({ cookie: await box.signIn("reviewer") }), 200);
  assert.equal(await ask({ cookie: await box.signIn("reviewer"), authorization: "Bearer wrong" }), 401);
  assert.ok(!JSON.stringify(box.database.all("select * from node_token")).includes(token));
  const actions = listAudit(box.database, 1_000).map(({ actor, action }) => `${actor} ${action}`);
  assert.ok(actions.includes("unknown token-refused") && actions.includes("node:viewer dicomweb-searched"), actions.join());
  addNode(box.database, { name: "gone", aeTitle: "GONE", host: "127.0.0.1", port: 104 });
  const other = issueNodeToken(box.database, "gone", Date.now());
  assert.equal(await ask({ authorization: `Bearer ${other}` }), 200);
  removeNode(box.database, "gone");
  assert.equal(await ask({ authorization: `Bearer ${other}` }), 401);
});

test("a token counts from where its node calls from, or anywhere where its setting says so", async () => {
  const status = async (node: Partial<RemoteNode>): Promise<number> => {
    addNode(box.database, { name: "bound", aeTitle: "BOUND", host: "10.9.9.9", port: 104, ...node });
    try {
      const bound = issueNodeToken(box.database, "bound", Date.now());
      return (await fetch(`${box.origin}/dicom-web/studies`, { headers: { authorization: `Bearer ${bound}` } })).status;
    } finally {
      removeNode(box.database, "bound");
    }
  };
  box.passTime(2 * 60_000); // refusals are noted once a minute
  assert.equal(await status({}), 403);
  assert.equal(await status({ host: "localhost" }), 200);
  assert.equal(await status({ host: "no-such-host.invalid" }), 403);
  assert.equal(await status({ callsFrom: ["10.0.0.0/8"] }), 403);
  assert.equal(await status({ callsFrom: ["10.0.0.0/8", "127.0.0.0/8"] }), 200);
  assert.equal(await status({ tokenFrom: "anywhere" }), 200);
  const refused = listAudit(box.database, 1_000).filter(({ actor, action }) => actor === "node:bound" && action === "token-refused");
  assert.ok(refused.length > 0);
});

test("a token opens no other page of the box", async () => {
  assert.equal((await fetch(`${box.origin}/api/series`, { headers: { authorization: `Bearer ${token}` } })).status, 403);
});

test("studies are found by name, id, date, modality and UID, and told in UTF-8", async () => {
  const all = await search("/studies");
  assert.deepEqual(values(all, "0020000D"), [uidOf("head/study"), uidOf("chest/study")]);
  assert.deepEqual(all[1]!["00100010"], { vr: "PN", Value: [{ Alphabetic: "Müller^Jörg" }] });
  assert.deepEqual(all[1]!["00080061"], { vr: "CS", Value: ["CT"] });
  assert.deepEqual(all[1]!["00201208"], { vr: "IS", Value: [5] });
  assert.deepEqual(all[1]!["00080030"], { vr: "TM", Value: ["101500"] });
  assert.equal(all[1]!["00081190"]?.Value?.[0], `${box.origin}/dicom-web/studies/${uidOf("chest/study")}`);
  const chestOnly = [uidOf("chest/study")];
  const found = async (query: string) => values(await search(`/studies?${query}`), "0020000D");
  assert.deepEqual(await found("PatientName=m%C3%BCller*"), chestOnly);
  assert.deepEqual(await found("00100010=*J%3Frg"), chestOnly);
  assert.deepEqual(await found("PatientID=PHANTOM-1"), chestOnly);
  assert.deepEqual(await found("PatientID=PHANTOM-%3F&StudyDate=20260101-20260131"), chestOnly);
  assert.deepEqual(await found("StudyDate=-20251231"), [uidOf("head/study")]);
  assert.deepEqual(await found("StudyDate=20260102&StudyTime=1000-1030"), chestOnly);
  assert.deepEqual(await found("StudyTime=1100-"), []);
  assert.deepEqual(await found(`StudyInstanceUID=${uidOf("chest/study")},1.2.3`), chestOnly);
  assert.deepEqual(await found("ModalitiesInStudy=MR"), []);
  assert.deepEqual(await found("ModalitiesInStudy=CT&limit=1"), [uidOf("head/study")]);
  assert.deepEqual(await found("limit=1&offset=1"), chestOnly);
  assert.deepEqual(await found("PatientID=[P]HANTOM-1"), []);
});

test("series and instances are found within their study and across all", async () => {
  const study = uidOf("chest/study");
  const series = await search(`/studies/${study}/series?Modality=CT&includefield=00180060`);
  assert.deepEqual(values(series, "0020000E"), [uidOf("chest/series")]);
  assert.deepEqual([values(series, "00200011"), values(series, "00201209"), values(series, "00180060")], [[2], [5], [120]]);
  const instances = await search(`/studies/${study}/series/${uidOf("chest/series")}/instances?offset=1&limit=2`);
  assert.deepEqual(values(instances, "00080018"), [chest[1]!.sopInstanceUid, chest[2]!.sopInstanceUid]);
  assert.deepEqual(
    [values(instances, "00200013"), values(instances, "00280010")],
    [
      [2, 3],
      [6, 6],
    ],
  );
  assert.equal((await search("/instances?InstanceNumber=1")).length, 2);
  assert.equal((await search(`/instances?SOPInstanceUID=${chest[0]!.sopInstanceUid}`)).length, 1);
  assert.equal((await search("/series?SeriesDescription=Ser*")).length, 2);
  assert.deepEqual(await search("/studies/1.2.3/series"), []);
});

test("what has no effect in a search is named, what is malformed is refused", async () => {
  const status = async (path: string, accept = "*/*") => (await get(path, { accept })).status;
  const unknown = await get("/studies?fuzzymatching=true&PatientComments=x");
  assert.equal(unknown.status, 200);
  assert.match(unknown.headers.get("warning") ?? "", /299 .*fuzzymatching.*299 .*PatientComments/);
  assert.match((await get("/studies?limit=1")).headers.get("warning") ?? "", /additional results/);
  for (const query of [
    "limit=-1",
    "limit=x",
    "StudyDate=yesterday",
    "StudyInstanceUID=../x",
    "%0D%0Ax=1",
    "includefield=../x",
    "fuzzymatching=1",
  ])
    assert.equal(await status(`/studies?${query}`), 400, query);
  assert.equal(await status("/studies", "application/dicom+xml"), 406);
  assert.equal(await status("/studies", "a,b;;c"), 400);
  assert.equal(await status("/studies/..%2F..%2Fetc/series"), 400);
  assert.equal(await status("/studies/1.2.3"), 404);
  assert.equal(await status(`/studies/${uidOf("chest/study")}/series/${uidOf("head/series")}`), 404);
});

test("answers are in XML where that is asked for first, each data set a part", async () => {
  const xml = 'multipart/related; type="application/dicom+xml"';
  const study = uidOf("chest/study");
  const texts = async (path: string): Promise<string[]> =>
    (await partsOf(await get(path, { accept: `${xml}, application/dicom+json;q=0.5` }))).map(({ type, bytes }) => {
      assert.equal(type, "application/dicom+xml");
      return bytes.toString("utf8");
    });
  const [found, ...others] = await texts(`/studies?StudyInstanceUID=${study}`);
  assert.equal(others.length, 0);
  assert.match(
    found!,
    /<DicomAttribute tag="00100010" vr="PN" keyword="PatientName">\s*<PersonName number="1">\s*<Alphabetic>\s*<FamilyName>Müller</,
  );
  assert.match(found!, new RegExp(`keyword="RetrieveURL">\\s*<Value number="1">${box.origin}/dicom-web/studies/${study}<`));
  const metadata = await texts(`/studies/${study}/metadata`);
  assert.equal(metadata.length, 5);
  const bulk = /tag="7FE00010" vr="OW" keyword="PixelData">\s*<BulkData uri="([^"]+)"/.exec(metadata[0]!)!;
  assert.equal((await get(new URL(bulk[1]!).pathname.replace("/dicom-web", ""))).status, 200);
  assert.equal((await get("/studies?PatientID=nobody", { accept: xml })).status, 204);
  const usual = await get(`/studies/${study}/metadata`, { accept: `application/dicom+json, ${xml}` });
  assert.equal(usual.headers.get("content-type"), "application/dicom+json");
  const byAddress = await get("/studies?accept=application/dicom%2Bjson", { accept: xml });
  assert.equal(byAddress.headers.get("content-type"), "application/dicom+json");
});

test("a study as stored comes back byte for byte", async () => {
  const answer = await get(`/studies/${uidOf("chest/study")}`, {
    accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
  });
  const parts = await partsOf(answer);
  assert.equal(parts.length, 5);
  for (const [index, { type, bytes }] of parts.entries()) {
    assert.equal(type, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
    const sent = chest[index]!.bytes;
    assert.ok(bytes.subarray(readFileMeta(bytes).dataSetOffset).equals(sent.subarray(readFileMeta(sent).dataSetOffset)));
  }
  const single = await get(`/studies/${uidOf("chest/study")}/series/${uidOf("chest/series")}/instances/${chest[3]!.sopInstanceUid}`, {
    accept: "application/dicom",
  });
  assert.equal(single.headers.get("content-type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
  assert.ok(Buffer.from(await single.arrayBuffer()).equals(parts[3]!.bytes));
});

test("pydicom reads the same from each transfer syntax, in metadata and from objects written anew", async () => {
  await using folder = await temporaryFolder("dicomweb");
  const source = join(corpus, "ge-hispeed-transfer-syntaxes");
  const names = (await readdir(source)).filter((name) => name.endsWith(".dcm")).sort();
  for (const name of [...names.map((each) => join(source, each)), join(corpus, "enhanced-ct/eCT_Supplemental.dcm")]) {
    const original = await readFile(name);
    syntaxes.push(original);
    box.database.run("delete from instance where sop_instance_uid = ?", readFileMeta(original).sopInstanceUid); // all are one image
    await storeObjects(box, [original]);
    const { sopInstanceUid, transferSyntaxUid } = readFileMeta(original);
    const [found] = await search(`/instances?SOPInstanceUID=${sopInstanceUid}`);
    const url = new URL(found!["00081190"]!.Value![0] as string).pathname.replace("/dicom-web", "");
    const [anew] = await partsOf(await get(url));
    assert.equal(anew!.type, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", name);
    const [file, kept] = [join(folder.path, "anew.dcm"), join(folder.path, "kept.dcm")];
    await writeFile(file, anew!.bytes);
    const [stored] = await partsOf(await get(url, { accept: "multipart/related; type=application/dicom; transfer-syntax=*" }));
    await writeFile(kept, stored!.bytes);
    type Described = { transferSyntaxUid: string; pixels: string; json: Json };
    const [described, asStored] = (await python(join(import.meta.dirname, "../dicomweb/describe.py"), [file, kept])) as Described[];
    assert.equal(asStored!.transferSyntaxUid, transferSyntaxUid);
    assert.equal(described!.transferSyntaxUid, "1.2.840.10008.1.2.1");
    const [metadata] = (await (await get(`${url}/metadata`)).json()) as Json[];
    const plain = (json: Json, of: Json) =>
      Object.fromEntries(
        Object.entries(json)
          .filter(
            ([tag, { vr }]) =>
              tag in of && of[tag]!.vr !== "UN" && !["UN", "OB", "OW"].includes(vr) && !["00080005", "7FE00010"].includes(tag),
          )
          .map(([tag, { Value = [] }]) => [tag, Value]),
      );
    assert.deepEqual(plain(metadata!, described!.json), plain(described!.json, metadata!), name);
    const [octets] = await partsOf(await get(`${url}/frames/1`));
    const [bulk] = await partsOf(await get(new URL(metadata!["7FE00010"]!.BulkDataURI!).pathname.replace("/dicom-web", "")));
    assert.equal(createHash("sha256").update(bulk!.bytes).digest("hex"), described!.pixels, name);
    assert.ok(bulk!.bytes.subarray(0, octets!.bytes.length).equals(octets!.bytes), name);
    const png = await get(`${url}/rendered?window=40,400,linear&viewport=64,64`, { accept: "image/png" });
    assert.equal(png.status, 200, name);
    const picture = Buffer.from(await png.arrayBuffer());
    assert.deepEqual([picture.subarray(1, 4).toString(), picture.readUInt32BE(16) <= 64], ["PNG", true]);
  }
  assert.ok(syntaxes.length > 4);
});

test("frames come compressed where that is asked for, and none that is not there", async () => {
  const path = `/studies/${uidOf("chest/study")}/series/${uidOf("chest/series")}/instances/${chest[0]!.sopInstanceUid}`;
  const status = async (rest: string, accept = "*/*") => (await get(path + rest, { accept })).status;
  assert.equal(await status("/frames/2"), 404);
  for (const frames of ["0", "x", "1,", "..%2F1"]) assert.equal(await status(`/frames/${frames}`), 400, frames);
  assert.equal(await status("/frames/1", 'multipart/related; type="image/jpeg"'), 406);
  for (const element of ["00100010x", "..%2F..", "00081140/0", "00081140/0/00081155"])
    assert.equal(await status(`/bulkdata/${element}`), 404, element);
  assert.equal(await status("/rendered", "image/gif"), 406);
  for (const quality of ["0", "101", "x", "1.5"]) assert.equal(await status(`/rendered?quality=${quality}`), 400, quality);
  assert.equal(await status("/rendered?window=a,b"), 400);
  assert.equal(await status("", "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90"), 406);
});

test("a picture is a JPEG unless PNG is asked for, and shows the same", async () => {
  const path = `/studies/${uidOf("chest/study")}/series/${uidOf("chest/series")}/instances/${chest[0]!.sopInstanceUid}/rendered`;
  const picture = async (query: string, accept: string) => {
    const answer = await get(path + query, { accept });
    assert.equal(answer.status, 200);
    return { type: answer.headers.get("content-type"), bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const [usual, named, good, bad, png] = [
    await picture("", "*/*"),
    await picture("", "image/jpeg"),
    await picture("?quality=100", "image/*"),
    await picture("?quality=1", "image/*"),
    await picture("", "image/png, image/jpeg;q=0.5"),
  ];
  assert.deepEqual(
    [usual, named, good, bad, png].map(({ type }) => type),
    [...Array(4).fill("image/jpeg"), "image/png"],
  );
  assert.ok(usual.bytes.equals(named.bytes));
  assert.ok(bad.bytes.length <= usual.bytes.length && usual.bytes.length <= good.bytes.length);
  assert.deepEqual([usual.bytes.readUInt16BE(0), png.bytes.toString("latin1", 1, 4)], [0xffd8, "PNG"]);
});

test("a study, a series, an instance and a frame have a thumbnail, and only what it shows is noted", async () => {
  const study = `/studies/${uidOf("chest/study")}`;
  const image = `/series/${uidOf("chest/series")}/instances/${chest[2]!.sopInstanceUid}`;
  const notes = () => listAudit(box.database, 10_000).filter(({ action }) => action === "dicomweb-retrieved").length;
  box.passTime(2 * 3600_000); // each is noted once an hour
  const before = notes();
  const pictures: Buffer[] = [];
  for (const path of ["", `/series/${uidOf("chest/series")}`, image, `${image}/frames/1`]) {
    const answer = await get(`${study}${path}/thumbnail`);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/jpeg"], path);
    pictures.push(Buffer.from(await answer.arrayBuffer()));
  }
  assert.ok(
    pictures.every((picture) => picture.equals(pictures[2]!)),
    "the third of five images stands for all",
  );
  assert.equal(notes(), before + 1);
  const png = Buffer.from(await (await get(`${study}/thumbnail?viewport=40,40`, { accept: "image/png" })).arrayBuffer());
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [40, 30], "8 x 6 pixels");
  assert.equal((await get("/studies/1.2.3/thumbnail")).status, 404);
});

test("what a person has not accepted yet is shown to people, and to nodes once it is", async () => {
  const seriesId = box.database.get<{ id: number }>("select id from series where series_instance_uid = ?", uidOf("chest/series"))!.id;
  const id = addPendingResult(box, seriesId);
  const { uids, rule } = getResult(box.database, id)!;
  box.database.run("update result set rule = ? where id = ?", JSON.stringify({ ...rule, deliver: "after-acceptance" }), id);
  const made = makeCtSeries({ name: "made", edit: (dataSet) => dataSet.set(0x00080060, ["CS", "SEG"]) })[0]!.bytes;
  await mkdir(box.resultFolder(id), { recursive: true });
  await writeFile(join(box.resultFolder(id), "seg.dcm"), made);
  const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: [] };
  setSegmented(box.database, id, [], record);
  setWritten(box.database, id, ["seg"]);
  moveResult(box.database, id, "ready");
  const study = uidOf("chest/study");
  const shown = async (headers: Record<string, string>) => {
    const answer = await fetch(`${box.origin}/dicom-web/studies/${study}/series?Modality=SEG`, { headers });
    return values((await answer.json()) as Json[], "0020000E");
  };
  const cookie = await box.signIn("reviewer");
  assert.deepEqual(await shown({ authorization: `Bearer ${token}` }), []);
  assert.deepEqual(await shown({ cookie }), [uids.seg.seriesInstanceUid]);
  setReview(box.database, id, { verdict: "accepted", by: "reviewer", at: 1, reason: "" });
  assert.deepEqual(await shown({ authorization: `Bearer ${token}` }), [uids.seg.seriesInstanceUid]);
  const [part] = await partsOf(await get(`/studies/${study}/series/${uids.seg.seriesInstanceUid}`));
  assert.ok(part!.bytes.equals(made));
  const [both] = await search(`/studies?StudyInstanceUID=${study}`);
  assert.deepEqual([both!["00080061"]?.Value, both!["00201206"]?.Value], [["CT", "SEG"], [2]]);
  setReview(box.database, id, { verdict: "rejected", by: "reviewer", at: 1, reason: "x" });
  assert.deepEqual(await shown({ authorization: `Bearer ${token}` }), []);
});
