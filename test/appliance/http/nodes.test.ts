import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import type { NodeMatches, NodeTestResult, PullSummary } from "../../../appliance/api/nodes.ts";
import { paths } from "../../../appliance/api/paths.ts";
import { storeFiles } from "../../../appliance/dimse/scu.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { findNode, replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { startStorescp } from "../../peers/dcmtk.ts";
import { type Orthanc, startOrthanc } from "../../peers/orthanc.ts";
import { freePort } from "../../peers/ports.ts";
import { explicitHispeed, storeFile } from "../dimse/files.ts";
import { startRecordingScp } from "../dimse/recording-scp.ts";
import { type Box, startBox } from "./box.ts";

let box: Box;
let orthanc: Orthanc;
let engineer: string;
let reviewer: string;
before(async () => {
  box = await startBox();
  orthanc = await startOrthanc({ modalities: { segbox: { aeTitle: "SEGBOX", port: 104 } } });
  engineer = await box.signIn("engineer");
  reviewer = await box.signIn("reviewer");
});
after(async () => {
  await orthanc.stop();
  await box.close();
});

async function post<T>(path: string, body?: unknown, cookie = engineer): Promise<{ status: number; body: T }> {
  const answer = await box.ask("POST", path, cookie, body);
  return { status: answer.status, body: (await answer.json()) as T };
}

const node = (name: string, port: number, aeTitle = "PACS") => ({ name, aeTitle, host: "127.0.0.1", port });

test("a test says which link of the chain is broken, or what the node takes, and keeps that", async () => {
  await using rejecting = await startStorescp({ options: ["--refuse"] });
  await using own = await startRecordingScp();
  const closing = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  const nodes = [
    node("answers", orthanc.dicomPort),
    node("closed", await freePort()),
    node("wrong title", orthanc.dicomPort, "OTHER"),
    node("refuses", rejecting.port),
    node("hangs up", (closing.address() as { port: number }).port),
    { ...node("no name", 104), host: "no-such-host.invalid" },
    { ...node("speaks TLS", own.port), tls: { callerCertificate: "optional" as const } },
  ];
  replaceNodesAndRules(box.database, nodes, []);
  const found: string[] = [];
  for (const { name } of nodes) {
    const { status, body } = await post<NodeTestResult>(paths.testNode(name));
    assert.equal(status, 200);
    found.push(`${name}: ${body.answered ? body.services.join(" ") : body.reason.code}`);
  }
  closing.close();
  assert.deepEqual(found, [
    "answers: echo store find move get commitment",
    "closed: peer-refused-connection",
    "wrong title: association-rejected",
    "refuses: association-rejected",
    "hangs up: association-aborted",
    "no name: peer-unreachable",
    "speaks TLS: tls-not-set-up",
  ]);
  assert.deepEqual(findNode(box.database, "answers")?.found?.services, ["echo", "store", "find", "move", "get", "commitment"]);
  assert.equal(findNode(box.database, "closed")?.found, undefined);
});

test("engineers find and fetch; the audit trail says by what was sought, not for whom", async () => {
  replaceNodesAndRules(box.database, [{ ...node("pacs", orthanc.dicomPort), services: ["find", "get"] }, node("plain", 104)], []);
  await storeFiles(node("pacs", orthanc.dicomPort), "SEGBOX", [storeFile(explicitHispeed)]);
  const all = { level: "study", keys: { patientName: "*" } };
  const { status, body } = await post<NodeMatches>(paths.findAtNode("pacs"), all);
  assert.equal(status, 200);
  assert.deepEqual([body.matches.length, body.isCut], [1, false]);
  assert.deepEqual(listAudit(box.database, 1)[0]?.detail, { level: "study", by: ["patientName"] });
  const { studyInstanceUid = "" } = body.matches[0]!;
  const pull = await post<{ id: number }>(paths.pullFromNode("pacs"), { studyInstanceUid });
  assert.deepEqual([pull.status, pull.body], [202, { id: 1 }]);
  const list = await fetch(`${box.origin}${paths.pulls}`, { headers: { cookie: reviewer } });
  assert.partialDeepStrictEqual(((await list.json()) as PullSummary[])[0], {
    node: "pacs",
    studyInstanceUid,
    state: "waiting",
    askedBy: "user:engineer",
  });

  const codeOf = async (path: string, query: unknown, cookie = engineer) => {
    const refused = await post<{ error: { code: string } }>(path, query, cookie);
    return `${refused.status} ${refused.body.error.code}`;
  };
  assert.equal(await codeOf(paths.findAtNode("pacs"), all, reviewer), "403 role");
  assert.equal(await codeOf(paths.pullFromNode("pacs"), { studyInstanceUid }, reviewer), "403 role");
  assert.equal(await codeOf(paths.testNode("nobody"), undefined), "404 not-found");
  assert.match(await codeOf(paths.findAtNode("plain"), all), /^4\d\d service-not-offered$/);
  assert.match(await codeOf(paths.pullFromNode("plain"), { studyInstanceUid }), /^4\d\d service-not-offered$/);
  assert.match(await codeOf(paths.findAtNode("pacs"), { level: "series", keys: {} }), /^4\d\d body-invalid$/);
  assert.match(await codeOf(paths.pullFromNode("pacs"), { studyInstanceUid: "../x" }), /^4\d\d body-invalid$/);
});
