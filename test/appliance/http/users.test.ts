import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Account } from "../../../appliance/api/account.ts";
import type { ErrorBody } from "../../../appliance/api/error.ts";
import type { InitialPassword, UserSummary } from "../../../appliance/api/users.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { type Box, password, startBox } from "./box.ts";

const own = "plum violin harbour 42";

let box: Box;
let admin: string;
before(async () => {
  box = await startBox();
  admin = await box.signIn("admin");
});
after(() => box.close());

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as ErrorBody).error.code;
}

async function add(name: string, role: string): Promise<InitialPassword> {
  const answer = await box.ask("POST", "/api/users", admin, { name, role });
  assert.equal(answer.status, 201);
  return (await answer.json()) as InitialPassword;
}

/** A user who has chosen a password; with one session. */
async function addSettled(name: string, role = "reviewer"): Promise<{ id: number; cookie: string }> {
  const { id, password: initial } = await add(name, role);
  const first = await box.signIn(name, initial);
  const changed = await box.ask("POST", "/api/account/password", first, { current: initial, next: own });
  assert.equal(changed.status, 204);
  return { id, cookie: changed.headers.getSetCookie()[0]!.split(";")[0]! };
}

const statusWith = async (cookie: string): Promise<number> => (await box.ask("GET", "/api/series", cookie)).status;

test("a new user gets a password for one sign-in, and may do nothing before choosing another", async () => {
  const { password: initial } = await add("dora", "reviewer");
  assert.match(initial, /^([a-z2-7]{5}-){3}[a-z2-7]{5}$/);
  const cookie = await box.signIn("dora", initial);
  assert.deepEqual(await (await box.ask("GET", "/api/session", cookie)).json(), {
    user: { name: "dora", role: "reviewer" },
    owes: "password",
  });
  const refused = await box.ask("GET", "/api/series", cookie);
  assert.deepEqual([refused.status, await codeOf(refused)], [403, "owes-password"]);
  const changed = await box.ask("POST", "/api/account/password", cookie, { current: initial, next: own });
  assert.equal(changed.status, 204);
  const renewed = changed.headers.getSetCookie()[0]!.split(";")[0]!;
  assert.equal(await statusWith(renewed), 200);
  assert.equal(await statusWith(cookie), 401, "the token changes with what it opens");
  assert.equal(await statusWith(await box.signIn("dora", own)), 200);
});

test("a password that was made for one sign-in is not taken after a week", async () => {
  const { id, password: initial } = await add("emil", "reviewer");
  box.database.run("update user set initial_until = ? where id = ?", Date.now() - 1, id);
  await assert.rejects(box.signIn("emil", initial), /answered 401/);
});

test("the list says who is there, as what, and who is signed in", async () => {
  const { id } = await addSettled("frida", "engineer");
  const users = (await (await box.ask("GET", "/api/users", admin)).json()) as UserSummary[];
  const frida = users.find((user) => user.id === id)!;
  assert.partialDeepStrictEqual(frida, { name: "frida", role: "engineer", initialUntil: null, hasSecondFactor: false, sessions: 1 });
  assert.ok(Math.abs(frida.lastSeenAt! - Date.now()) < 60_000);
  assert.ok(!JSON.stringify(users).includes("argon2"));
});

test("a changed role ends the user's sessions, and the next one has it", async () => {
  const { id, cookie } = await addSettled("gerd");
  assert.equal((await box.ask("POST", `/api/users/${id}/role`, admin, { role: "engineer" })).status, 204);
  assert.equal(await statusWith(cookie), 401);
  assert.partialDeepStrictEqual(await (await box.ask("GET", "/api/session", await box.signIn("gerd", own))).json(), {
    user: { role: "engineer" },
  });
  assert.equal((await box.ask("POST", `/api/users/${id}/role`, admin, { role: "root" })).status, 400);
});

test("a reset password ends the sessions, and the one before opens nothing", async () => {
  const { id, cookie } = await addSettled("hanna");
  const { password: initial } = (await (await box.ask("POST", `/api/users/${id}/reset-password`, admin)).json()) as InitialPassword;
  assert.equal(await statusWith(cookie), 401);
  await assert.rejects(box.signIn("hanna", own), /answered 401/);
  assert.equal(await statusWith(await box.signIn("hanna", initial)), 403);
});

test("an administrator ends a user's sessions, and removes the user", async () => {
  const { id, cookie } = await addSettled("ilse");
  assert.equal((await box.ask("DELETE", `/api/users/${id}/sessions`, admin)).status, 204);
  assert.equal(await statusWith(cookie), 401);
  const again = await box.signIn("ilse", own);
  assert.equal((await box.ask("DELETE", `/api/users/${id}`, admin)).status, 204);
  assert.equal(await statusWith(again), 401);
  await assert.rejects(box.signIn("ilse", own), /answered 401/);
  assert.equal((await box.ask("DELETE", `/api/users/${id}`, admin)).status, 404);
});

test("the last administrator can be neither removed nor demoted, another one can", async () => {
  const users = (await (await box.ask("GET", "/api/users", admin)).json()) as UserSummary[];
  const { id } = users.find(({ name }) => name === "admin")!;
  for (const answer of [
    await box.ask("DELETE", `/api/users/${id}`, admin),
    await box.ask("POST", `/api/users/${id}/role`, admin, { role: "engineer" }),
  ])
    assert.deepEqual([answer.status, await codeOf(answer)], [422, "last-admin"]);
  const second = await addSettled("jule", "admin");
  assert.equal((await box.ask("DELETE", `/api/users/${second.id}`, admin)).status, 204);
});

test("a name is taken once, whatever its case", async () => {
  await add("kurt", "reviewer");
  assert.equal(await codeOf(await box.ask("POST", "/api/users", admin, { name: "KURT", role: "admin" })), "user-exists");
  assert.equal((await box.ask("POST", "/api/users", admin, { name: "two words", role: "admin" })).status, 400);
});

test("a changed password ends the user's other sessions, and asks for the one before", async () => {
  const { cookie } = await addSettled("lena");
  const other = await box.signIn("lena", own);
  const change = (current: string, next: string) => box.ask("POST", "/api/account/password", cookie, { current, next });
  const wrong = await change("not the password of lena", "another violin harbour 43");
  assert.deepEqual([wrong.status, await codeOf(wrong)], [403, "password-wrong"]);
  assert.equal(await statusWith(other), 200);
  for (const [next, code] of [
    [own, "password-same"],
    ["too short", "password-length"],
    ["passwordpassword", "password-common"],
    ["lena-segbox-2026", "password-names"],
  ] as const)
    assert.equal(await codeOf(await change(own, next)), code);
  const changed = await change(own, "another violin harbour 43");
  assert.equal(changed.status, 204);
  assert.equal(await statusWith(other), 401);
  assert.equal(await statusWith(changed.headers.getSetCookie()[0]!.split(";")[0]!), 200);
});

test("guessing the password of a session that was left open is slowed down too", async () => {
  const { cookie } = await addSettled("mona");
  const guess = async () => (await box.ask("POST", "/api/account/password", cookie, { current: "a guess", next: own })).status;
  const found: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) found.push(await guess());
  assert.deepEqual(found, [403, 403, 403, 403, 403, 429]);
  box.passTime(2_000);
});

test("everybody sees their sessions with address and last use, ends one of them, or all", async () => {
  const { cookie } = await addSettled("nora");
  const other = await box.signIn("nora", own);
  const { sessions } = (await (await box.ask("GET", "/api/account", cookie)).json()) as Account;
  assert.equal(sessions.length, 2);
  assert.deepEqual(sessions.map(({ isOwn, address }) => [isOwn, address]).toSorted(), [
    [false, "127.0.0.1"],
    [true, "127.0.0.1"],
  ]);
  const foreign = (await (await box.ask("GET", "/api/account", admin)).json()) as Account;
  assert.equal((await box.ask("DELETE", `/api/account/sessions/${foreign.sessions[0]!.id}`, cookie)).status, 404, "nobody ends another's");
  assert.equal((await box.ask("DELETE", `/api/account/sessions/${sessions.find(({ isOwn }) => !isOwn)!.id}`, cookie)).status, 204);
  assert.equal(await statusWith(other), 401);
  const third = await box.signIn("nora", own);
  const all = await box.ask("DELETE", "/api/account/sessions", third);
  assert.match(all.headers.getSetCookie()[0] ?? "", /Max-Age=0/);
  assert.deepEqual([await statusWith(cookie), await statusWith(third)], [401, 401]);
  assert.equal(await statusWith(admin), 200);
});

test("the limits of sessions are settings, within what is reasonable", async () => {
  const { cookie } = await addSettled("olga");
  const set = (body: object) => box.ask("POST", "/api/sign-in-settings", admin, body);
  for (const body of [
    { idleMinutes: 61, absoluteHours: 12, secondFactorFor: [] },
    { idleMinutes: 30, absoluteHours: 25, secondFactorFor: [] },
    { idleMinutes: 30, absoluteHours: 12, secondFactorFor: ["root"] },
  ])
    assert.equal((await set(body)).status, 400);
  assert.equal((await set({ idleMinutes: 10, absoluteHours: 1, secondFactorFor: [] })).status, 204);
  box.passTime(11 * 60_000);
  assert.equal(await statusWith(cookie), 401);
  admin = await box.signIn("admin");
  assert.equal((await set({ idleMinutes: 60, absoluteHours: 12, secondFactorFor: [] })).status, 204);
  assert.partialDeepStrictEqual(listAudit(box.database, 1), [
    { actor: "user:admin", action: "setting-changed", detail: { before: { idleMinutes: 10 }, after: { idleMinutes: 60 } } },
  ]);
});

test("each change is in the audit trail, and no password is, nor in the log", async () => {
  const actions = new Set(listAudit(box.database, 1_000).map(({ action }) => action));
  for (const action of [
    "user-added",
    "user-role-changed",
    "user-password-reset",
    "user-sessions-ended",
    "user-removed",
    "password-changed",
    "own-session-ended",
    "signed-out-everywhere",
  ])
    assert.ok(actions.has(action), action);
  const said = JSON.stringify(listAudit(box.database, 1_000)) + box.log.join("");
  for (const secret of [own, password]) assert.ok(!said.includes(secret));
});
