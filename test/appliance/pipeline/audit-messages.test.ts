import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeAuditMessage } from "../../../appliance/dicom/audit-message.ts";
import { knownActions } from "../../../appliance/pipeline/audit-events.ts";
import { auditMessageOf } from "../../../appliance/pipeline/audit-messages.ts";
import { addDelivery } from "../../../appliance/store/deliveries.ts";
import { addResult } from "../../../appliance/store/results.ts";
import { addSeries, newResult, temporaryDatabase } from "../../make/database.ts";
import { run } from "../../peers/process.ts";

const root = join(import.meta.dirname, "../../..");
const schema = join(root, "test/data/audit-message.rng");

const computed = [
  ...["node-paused", "node-resumed", "node-token-issued", "node-token-revoked", "result-accepted", "result-rejected"],
  ...["series-deleted", "images-deleted"],
];

/** Actions of the trail, as the program's text has them: where they are written down, and what is computed. */
function actionsInSource(): string[] {
  const found = new Set(computed);
  for (const file of globSync("{appliance,provisioning,models}/**/*.ts", { cwd: root })) {
    const text = readFileSync(join(root, file), "utf8");
    if (!/addAudit|auditFirst/.test(text)) continue;
    const literal = /(?:action: |auditService\(|audit\(signedIn, |#audit\(context, signedIn, |note\(database, by, )"([a-z-]+)"/g;
    for (const [, action] of text.matchAll(literal)) found.add(action!);
  }
  return [...found].toSorted();
}

test("each action of the trail is an event of PS3.15", () => {
  const actions = actionsInSource();
  assert.ok(actions.length > 45, String(actions.length));
  assert.deepEqual(
    actions.filter((action) => !knownActions.includes(action)),
    [],
  );
});

async function made() {
  const { database, ...rest } = await temporaryDatabase();
  const series = addSeries(database, 1);
  const result = addResult(database, newResult(series, "d"))!;
  const delivery = addDelivery(database, { resultId: result, destination: "pacs", choices: ["seg"], state: "waiting" });
  const message = (entry: { actor?: string; action: string; object: string; detail?: object }, patientId = false) =>
    auditMessageOf(
      { id: 1, at: 1_795_000_000_000, actor: "user:anna", digest: "a".repeat(64), ...entry, detail: JSON.stringify(entry.detail ?? {}) },
      { database, source: { id: "SEGBOX-1", site: null }, patientId },
    );
  return { database, series, result, delivery, message, ...rest };
}

test("each event is valid by the schema, with whatever actor and object", async () => {
  await using box = await made();
  const folder = await mkdtemp(join(tmpdir(), "segbox-atna-"));
  const files: string[] = [];
  const actors = ["user:anna", "ae:CT1", "node:pacs", "token:monitor", "system", "console", "unknown"];
  const objects = [
    "session",
    "user:ä <b>",
    "node:main pacs",
    "setting:sign-in",
    "series:1",
    "result:1",
    "delivery:1",
    "series:99",
    "audit",
  ];
  for (const [at, action] of [...actionsInSource(), "never-heard-of"].entries())
    for (const [index, object] of objects.entries()) {
      const actor = actors[(at + index) % actors.length]!;
      const file = join(folder, `${action}-${index}.xml`);
      const detail = index % 2 ? { address: "10.0.0.9", node: "pacs" } : {};
      await writeFile(file, encodeAuditMessage(box.message({ actor, action, object, detail }, index % 2 === 0)));
      files.push(file);
    }
  const { code, stderr } = await run("xmllint", ["--noout", "--relaxng", schema, ...files], { timeoutMs: 120_000 });
  assert.equal(code, 0, stderr.split("\n").filter((line) => !line.endsWith(" validates"))[0]);
  const broken = join(folder, "broken.xml");
  await writeFile(
    broken,
    encodeAuditMessage(box.message({ action: "sign-in", object: "session" })).replace("EventOutcomeIndicator", "Outcome"),
  );
  assert.notEqual((await run("xmllint", ["--noout", "--relaxng", schema, broken])).code, 0, "the schema tells");
  await rm(folder, { recursive: true });
});

const codes = (list: readonly { code: string }[]): string[] => list.map(({ code }) => code);

test("a sign-in, a delivery, a view and a download have the codes, participants and study that PS3.15 A.5.3 asks for", async () => {
  await using box = await made();
  const { message } = box;
  const failed = message({ actor: "unknown", action: "sign-in-failed", object: "session", detail: { address: "10.0.0.9" } });
  assert.deepEqual([failed.event.code, codes(failed.types), failed.outcome], ["110114", ["110122", "sign-in-failed"], 4]);
  assert.deepEqual(failed.participants[0], { userId: "unknown", isRequestor: true, roles: [], address: "10.0.0.9" });

  const detail = { result: box.result, output: "seg", node: "pacs" };
  const object = `delivery:${box.delivery}`;
  for (const [action, event, outcome] of [
    ["result-delivery-begun", "110102", 0],
    ["result-delivered", "110104", 0],
    ["result-delivery-failed", "110104", 8],
  ] as const) {
    const sent = message({ actor: "system", action, object, detail });
    assert.deepEqual([sent.event.code, sent.outcome], [event, outcome]);
    assert.deepEqual(
      sent.participants.map(({ userId, isRequestor, roles }) => [userId, isRequestor, codes(roles)]),
      [
        ["SEGBOX-1", true, ["110153"]],
        ["pacs", false, ["110152"]],
      ],
    );
    assert.partialDeepStrictEqual(sent.objects[0], { id: "1.2", idType: { code: "110180", system: "DCM" }, type: 2, role: 3 });
  }
  const viewed = message({ action: "images-viewed", object: `result:${box.result}` });
  assert.deepEqual([viewed.event.code, viewed.action, viewed.objects[0]!.id], ["110103", "R", "1.2"]);
  const taken = message({ action: "file-downloaded", object: `result:${box.result}` });
  assert.deepEqual([taken.event.code, taken.participants.map(({ roles }) => codes(roles))], ["110106", [["110153"], ["110154"]]]);
});

test("a message has no name of a patient, and the Patient ID only where the site wants it", async () => {
  await using box = await made();
  const entry = { action: "series-viewed", object: `series:${box.series}` };
  const [usual, more] = [encodeAuditMessage(box.message(entry)), encodeAuditMessage(box.message(entry, true))];
  for (const xml of [usual, more]) assert.doesNotMatch(xml, /Phantom|19700101|A1"/);
  assert.doesNotMatch(usual, /"P1"/);
  assert.match(more, /ParticipantObjectID="P1"[^>]*><ParticipantObjectIDTypeCode csd-code="2"/);
});
