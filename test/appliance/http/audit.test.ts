import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AuditPage, AuditState } from "../../../appliance/api/audit.ts";
import { addAudit, listAudit } from "../../../appliance/store/audit.ts";
import { lastLink } from "../../../appliance/store/audit-chain.ts";
import { addPendingResult, addSeries, type Box, startBox } from "./box.ts";

let box: Box;
let engineer: string;
before(async () => {
  box = await startBox();
  engineer = await box.signIn("engineer");
});
after(() => box.close());

const ask = (path: string, cookie = engineer, method = "GET"): Promise<Response> =>
  fetch(`${box.origin}${path}`, { method, headers: { cookie, Origin: box.origin } });
const page = async (query: string): Promise<AuditPage> => (await (await ask(`/api/audit?${query}`)).json()) as AuditPage;
const add = (at: number, rest: Partial<Parameters<typeof addAudit>[1]> = {}) =>
  addAudit(box.database, { at, actor: "user:anna", action: "series-viewed", object: "series:77", detail: { n: at }, ...rest });

test("the trail comes newest first, a hundred at a time, without a gap; that somebody looked is in it once", async () => {
  box.database.transaction(() => {
    for (let n = 1; n <= 250; n++) add(n);
  });
  const ids: number[] = [];
  for (let before: number | null = null, looks = 0; looks < 3; looks++) {
    const { entries, older } = await page(`actor=user:anna${before === null ? "" : `&before=${before}`}`);
    ids.push(...entries.map(({ id }) => id));
    before = older;
    if (looks === 2) assert.equal(older, null);
  }
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  );
  assert.equal(new Set(ids).size, 250);
  const looks = listAudit(box.database, 10).filter(({ action }) => action === "audit-viewed");
  assert.deepEqual(
    looks.map(({ actor, detail }) => [actor, detail]),
    [["user:engineer", { actor: "user:anna" }]],
  );
});

test("it is looked through by time, kind, person and study", async () => {
  const series = addSeries(box);
  const result = addPendingResult(box, series);
  addSeries(box);
  add(5_000, { actor: "user:ben", object: `series:${series}` });
  add(6_000, { actor: "user:ben", object: `result:${result}`, action: "images-viewed" });
  add(7_000, { actor: "user:ben", object: "session", action: "sign-in" });
  const found = async (query: string) => (await page(query)).entries.map(({ at }) => at);
  assert.deepEqual(await found("actor=user:ben"), [7_000, 6_000, 5_000]);
  assert.deepEqual(await found("actor=user:ben&from=5000&until=7000"), [6_000, 5_000]);
  assert.deepEqual(await found("actor=user:ben&action=images-viewed&from=&study="), [6_000]);
  assert.deepEqual(await found("study=2.25.1&until=8000"), [6_000, 5_000]);
  assert.deepEqual(await found("study=2.25.2"), []);
  for (const query of ["from=yesterday", "until=-1", "who=anna", `actor=${"x".repeat(201)}`, "action=a&action=b"])
    assert.equal((await ask(`/api/audit?${query}`)).status, 400, query);
});

test("an export has every entry that passes, one a line, and is noted before it begins", async () => {
  const answer = await ask("/api/audit/export?actor=user:anna");
  assert.match(answer.headers.get("Content-Disposition") ?? "", /attachment; filename="segbox-audit\.jsonl"/);
  const lines = (await answer.text()).trim().split("\n");
  assert.equal(lines.length, 250);
  assert.deepEqual(Object.keys(JSON.parse(lines[0]!) as object).toSorted(), ["action", "actor", "at", "detail", "digest", "id", "object"]);
  assert.partialDeepStrictEqual(listAudit(box.database, 1), [
    { actor: "user:engineer", action: "audit-exported", object: "audit", detail: { actor: "user:anna" } },
  ]);
});

test("the chain is checked when somebody asks, in steps; a change is named, and reviewers see nothing of it", async () => {
  const state = async (): Promise<AuditState> => (await (await ask("/api/audit/state")).json()) as AuditState;
  assert.equal((await state()).checked, null);
  box.database.transaction(() => {
    for (let n = 0; n < 2_500; n++) add(n);
  });
  const { id } = lastLink(box.database);
  assert.equal((await ask("/api/audit/verify", engineer, "POST")).status, 204);
  const whole = await state();
  assert.deepEqual(whole.checked, { at: whole.checked!.at, entries: id + 1, broken: null }); // the check's own entry is in it
  assert.ok(whole.actions.includes("sign-in"));
  assert.equal(whole.syslog, null);
  box.database.sql.exec("drop trigger audit_no_update");
  box.database.run("update audit set actor = 'user:eve' where id = 1700");
  assert.equal((await ask("/api/audit/verify", engineer, "POST")).status, 204);
  assert.equal((await state()).checked!.broken!.id, 1700);
  assert.ok(box.log.join("").includes("audit-broken"));
  const reviewer = await box.signIn("reviewer");
  for (const path of ["/api/audit", "/api/audit/state", "/api/audit/export"]) assert.equal((await ask(path, reviewer)).status, 403);
});
