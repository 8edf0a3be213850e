import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { issueNodeToken } from "../../../appliance/store/node-tokens.ts";
import { findInstances } from "../../../appliance/store/series.ts";
import { addNode } from "../../../appliance/store/settings.ts";
import { makeCtSeries, uidOf } from "../../make/ct-series.ts";
import { syntaxes } from "../../make/part10.ts";
import { type Box, startBox } from "./box.ts";

type Json = Record<string, { vr: string; Value?: { [tag: string]: { Value?: unknown[] } }[] }>;

let box: Box;
let tokens: Record<"pacs" | "other", string>;

before(async () => {
  box = await startBox();
  for (const [name, aeTitle] of [
    ["pacs", "PACS"],
    ["other", "OTHER"],
  ] as const)
    addNode(box.database, { name, aeTitle, host: "127.0.0.1", port: 104 });
  tokens = { pacs: issueNodeToken(box.database, "pacs", Date.now()), other: issueNodeToken(box.database, "other", Date.now()) };
});
after(() => box.close());

const boundary = "this-is-the-end";
const multipart = `multipart/related; type="application/dicom"; boundary=${boundary}`;

function message(files: readonly Uint8Array[], { type = "application/dicom", end = `--${boundary}--\r\n` } = {}): Buffer {
  const parts = files.map((file) =>
    Buffer.concat([Buffer.from(`--${boundary}\r\n${type === "" ? "" : `Content-Type: ${type}\r\n`}\r\n`), file, Buffer.from("\r\n")]),
  );
  return Buffer.concat([...parts, Buffer.from(end)]);
}

async function post(
  body: Uint8Array,
  { path = "", contentType = multipart, headers = {} }: { path?: string; contentType?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; json: Json; text: string }> {
  const answer = await fetch(`${box.origin}/dicom-web/studies${path}`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { authorization: `Bearer ${tokens.pacs}`, "content-type": contentType, ...headers },
  });
  const said = await answer.text();
  return { status: answer.status, json: said.startsWith("<") ? {} : JSON.parse(said), text: said };
}

const reasons = (json: Json, tag = "00081198") => (json[tag]?.Value ?? []).map((item) => item["00081197"]?.Value?.[0]);
const rowsOf = (name: string) =>
  box.database.all<{ title: string; digest: string }>(
    "select calling_ae_title as title, digest from instance join series on series.id = series_id where series_instance_uid = ? order by instance.id",
    uidOf(`${name}/series`),
  );

test("objects are kept byte for byte under the node's own title, and again changes nothing", async () => {
  const series = makeCtSeries({ name: "stow" });
  const files = series.map(({ bytes }) => bytes);
  for (const round of [1, 2]) {
    const { status, json } = await post(message(files), { path: `/${uidOf("stow/study")}` });
    assert.equal(status, 200, String(round));
    assert.deepEqual(
      json["00081199"]?.Value?.map((item) => item["00081155"]?.Value?.[0]),
      series.map(({ sopInstanceUid }) => sopInstanceUid),
    );
    const url = `${box.origin}/dicom-web/studies/${uidOf("stow/study")}`;
    assert.deepEqual(json["00081190"]?.Value, [url]);
    assert.deepEqual(json["00081199"]?.Value?.[0]?.["00081190"]?.Value, [
      `${url}/series/${uidOf("stow/series")}/instances/${series[0]!.sopInstanceUid}`,
    ]);
  }
  const rows = rowsOf("stow");
  assert.deepEqual(
    rows.map(({ title }) => title),
    Array(5).fill("PACS"),
  );
  for (const [index, { digest }] of rows.entries()) {
    const [stored, sent] = [await readFile(box.receiving.objects.path(digest)), files[index]!];
    assert.ok(stored.subarray(readFileMeta(stored).dataSetOffset).equals(sent.subarray(readFileMeta(sent).dataSetOffset)));
  }
  const jobs = box.database.all<{ kind: string }>("select kind from job");
  assert.deepEqual(
    jobs.map(({ kind }) => kind),
    ["close-series"],
  );
  const noted = listAudit(box.database, 100).find(({ action }) => action === "dicomweb-stored");
  assert.deepEqual([noted?.actor, noted?.detail], ["node:pacs", { stored: 5, failed: 0 }]);
});

test("a part without headers, a quoted boundary and a body of one object are taken", async () => {
  const [first, second] = makeCtSeries({ name: "forms" }).map(({ bytes }) => Buffer.from(bytes));
  assert.equal((await post(message([first!], { type: "" }))).status, 200);
  assert.equal(
    (await post(message([first!]), { contentType: `multipart/related; type=application/dicom; boundary="${boundary}"` })).status,
    200,
  );
  assert.equal((await post(second!, { contentType: "application/dicom" })).status, 200);
  assert.equal(rowsOf("forms").length, 2);
});

test("who may not store is turned away: no session, a reviewer, a wrong token; another node's token is that node's", async () => {
  const body = message(makeCtSeries({ name: "who" }).map(({ bytes }) => bytes));
  const withHeaders = async (headers: Record<string, string>) => (await post(body, { headers })).status;
  assert.equal(await withHeaders({ authorization: "" }), 401);
  assert.equal(await withHeaders({ authorization: `Bearer ${tokens.pacs.slice(0, -1)}` }), 401);
  assert.equal(await withHeaders({ authorization: "", cookie: await box.signIn("reviewer") }), 403);
  assert.equal(await withHeaders({ authorization: "", cookie: await box.signIn("admin"), origin: "http://evil.example" }), 403);
  assert.equal(rowsOf("who").length, 0);
  assert.equal(await withHeaders({ authorization: `Bearer ${tokens.other}` }), 200);
  assert.equal(rowsOf("who")[0]?.title, "OTHER");
  assert.equal(await withHeaders({ authorization: "", cookie: await box.signIn("engineer") }), 200);
});

test("of several objects those that can't be kept are told with their reason, the others are kept", async () => {
  const good = makeCtSeries({ name: "some" })[0]!.bytes;
  const mr = makeCtSeries({ name: "mr", modality: "MR" })[0]!.bytes;
  const jpeg = makeCtSeries({ name: "jpeg", transferSyntaxUid: "1.2.840.10008.1.2.4.50", compress: (pixels) => pixels })[0]!.bytes;
  const large = makeCtSeries({ name: "large", dims: [300, 300, 1] })[0]!.bytes;
  const wrongUid = makeCtSeries({ name: "mismatch" })[0]!;
  const mismatch = Buffer.from(wrongUid.bytes);
  const at = mismatch.lastIndexOf(wrongUid.sopInstanceUid);
  mismatch.write("1", at + wrongUid.sopInstanceUid.length - 1);
  mismatch.write("1", at + wrongUid.sopInstanceUid.length - 2);
  const { status, json } = await post(message([mr, good, jpeg, Buffer.from("no DICOM at all"), large, mismatch]));
  assert.equal(status, 202);
  assert.equal(json["00081199"]?.Value?.length, 1);
  assert.deepEqual(reasons(json), [0x0122, 0xc122, 0xa700, 0xa900]);
  assert.deepEqual(reasons(json, "0008119A"), [0xc000]);
  assert.equal((await post(message([mr]))).status, 409);
  assert.equal((await post(message([large]))).status, 413);
  assert.equal((await post(message([good]), { path: "/1.2.3" })).status, 409);
  assert.deepEqual([rowsOf("mr").length, rowsOf("large").length, rowsOf("mismatch").length], [0, 0, 0]);
});

test("a traversing UID, a truncated object and a deflate bomb leave nothing behind", async () => {
  const evil = makeCtSeries({ name: "evil", edit: (dataSet) => dataSet.set(0x00080018, ["UI", "../../../../tmp/evil"]) })[0]!.bytes;
  const cut = makeCtSeries({ name: "cut", cutTo: () => 700 })[0]!.bytes;
  const bomb = makeCtSeries({
    name: "bomb",
    transferSyntaxUid: syntaxes.deflated,
    edit: (d) => d.set(0x00091010, ["OB", new Uint8Array(70 << 20)]),
  })[0]!;
  for (const file of [evil, cut, bomb.bytes]) {
    const { status, text: said } = await post(message([file]));
    assert.ok([409, 413].includes(status), said);
  }
  assert.deepEqual(findInstances(box.database, uidOf("bomb/series"), bomb.sopInstanceUid), []);
});

test("what is no multipart message of DICOM objects is refused, and the server goes on", async () => {
  const files = [makeCtSeries({ name: "malformed" })[0]!.bytes];
  const status = async (body: Buffer, contentType = multipart) => (await post(body, { contentType })).status;
  assert.equal(await status(message(files), "application/octet-stream"), 415);
  assert.equal(await status(message(files), 'multipart/related; type="application/dicom+json"; boundary=x'), 415);
  assert.equal(await status(message(files, { type: "image/jpeg" })), 415);
  assert.equal(await status(message(files), 'multipart/related; type="application/dicom"'), 400);
  assert.equal(await status(message(files), 'multipart/related; type="application/dicom"; boundary=another'), 400);
  assert.equal(await status(message(files), `multipart/related; type="application/dicom"; boundary="${"x".repeat(201)}"`), 400);
  assert.equal(await status(message(files, { end: "" })), 400);
  assert.equal(await status(Buffer.from(`--${boundary}--\r\n`)), 400);
  assert.equal(await status(Buffer.alloc(0)), 400);
  assert.equal(await status(Buffer.from(`--${boundary}\r\n${"X: y\r\n".repeat(5_000)}`)), 400);
  assert.equal(await status(Buffer.from(`--${boundary}\r\nno header\r\n\r\nx\r\n--${boundary}--`)), 400);
  assert.equal((await post(message(files), { headers: { accept: "application/pdf" } })).status, 406);
  const xml = await post(message(files), { headers: { accept: "application/dicom+xml" } });
  assert.match(xml.text, /keyword="ReferencedSOPSequence">\s*<Item number="1">/);
  assert.equal((await post(message(files))).status, 200);
});

test("more than 10,000 parts are refused", async () => {
  const { status } = await post(message(Array(10_001).fill(Buffer.from("x")), { type: "" }));
  assert.equal(status, 413);
});

test("a connection that is lost in the midst leaves no file, and a slow one does not hold up others", async () => {
  const [file] = makeCtSeries({ name: "lost" }).map(({ bytes }) => bytes);
  const whole = message([file!]);
  const { port } = new URL(box.origin);
  const head = `POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens.pacs}\r\nContent-Type: ${multipart}\r\nContent-Length: ${whole.length}\r\n\r\n`;
  const lost = connect(Number(port), "127.0.0.1");
  lost.write(head);
  lost.write(whole.subarray(0, 500));
  const slow = connect(Number(port), "127.0.0.1");
  slow.on("error", () => {});
  slow.write(`${head}-`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  lost.destroy();
  assert.equal((await post(message([file!]))).status, 200);
  slow.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(await readdir(`${box.receiving.objects.path("xx").replace(/xx.*$/, "")}incoming`), []);
});

test("a line end in an address or a token becomes no header", async () => {
  const { host, port } = new URL(box.origin);
  for (const [named, status] of [
    [host, 400],
    ['a"b', 421],
  ] as const) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      `GET /dicom-web/studies/1.2%0d%0aX-Evil:%20yes HTTP/1.1\r\nHost: ${named}\r\nAuthorization: Bearer ${tokens.pacs}\r\nConnection: close\r\n\r\n`,
    );
    const said = await text(socket);
    assert.ok(said.startsWith(`HTTP/1.1 ${status} `), said);
    assert.doesNotMatch(said, /X-Evil/i);
  }
});

test("with a full disk nothing is stored, and the answer says so", async () => {
  await using full = await startBox({ minimumFreeBytes: Number.MAX_SAFE_INTEGER });
  addNode(full.database, { name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: 104 });
  const answer = await fetch(`${full.origin}/dicom-web/studies`, {
    method: "POST",
    body: message(makeCtSeries({ name: "full" }).map(({ bytes }) => bytes)) as Uint8Array<ArrayBuffer>,
    headers: { authorization: `Bearer ${issueNodeToken(full.database, "pacs", Date.now())}`, "content-type": multipart },
  });
  assert.equal(answer.status, 507);
  assert.deepEqual(reasons((await answer.json()) as Json), Array(5).fill(0xa700));
  assert.deepEqual(full.database.all("select * from instance"), []);
});
