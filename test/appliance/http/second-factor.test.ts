import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Account, ProposedSecondFactor, RecoveryCodes } from "../../../appliance/api/account.ts";
import type { ErrorBody } from "../../../appliance/api/error.ts";
import { hashPassword } from "../../../appliance/host/password.ts";
import { totpCode } from "../../../appliance/host/totp.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { addUser } from "../../../appliance/store/users.ts";
import { type Box, password, startBox } from "./box.ts";

let box: Box;
let admin: string;
before(async () => {
  box = await startBox();
  admin = await box.signIn("admin");
});
after(() => box.close());

const cookieOf = (answer: Response): string => answer.headers.getSetCookie()[0]!.split(";")[0]!;
const codeIn = async (answer: Response): Promise<string> => ((await answer.json()) as ErrorBody).error.code;
const statusWith = async (cookie: string): Promise<number> => (await box.ask("GET", "/api/series", cookie)).status;

/** RFC 4648, 6, backwards. */
function bytesOf(base32: string): Buffer {
  const bits = [...base32].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
}

/** What the app shows on the box's clock, so many steps from now. */
const shown = (secret: string, stepsAhead = 0): string => totpCode(bytesOf(secret), Math.floor(box.now() / 30_000) + stepsAhead);

/** A user who has set up a second factor. */
async function addWithFactor(name: string, role: "reviewer" | "admin" = "reviewer") {
  const id = addUser(box.database, { name, role, passwordHash: await hashPassword(password), createdAt: box.now() });
  const first = await box.signIn(name);
  const proposed = await box.ask("POST", "/api/account/second-factor", first, { password });
  assert.equal(proposed.status, 200);
  const { secret, uri } = (await proposed.json()) as ProposedSecondFactor;
  const confirmed = await box.ask("POST", "/api/account/second-factor/confirm", first, { code: shown(secret) });
  assert.equal(confirmed.status, 200);
  const { codes } = (await confirmed.json()) as RecoveryCodes;
  box.passTime(30_000); // to the next code
  return { id, secret, uri, codes, first, cookie: cookieOf(confirmed) };
}

async function giveCode(cookie: string, code: string): Promise<Response> {
  return box.ask("POST", "/api/session/second-factor", cookie, { code });
}

test("setting it up changes the token, ends other sessions and gives ten recovery codes; the database has neither secret nor codes", async () => {
  const { secret, uri, codes, first, cookie } = await addWithFactor("dora");
  assert.equal(uri, `otpauth://totp/Segbox%2C%20Radiology:dora?secret=${secret}&issuer=Segbox%2C%20Radiology`);
  assert.deepEqual([await statusWith(first), await statusWith(cookie)], [401, 200]);
  assert.equal(new Set(codes).size, 10);
  const rows = JSON.stringify([box.database.all("select * from user"), box.database.all("select * from recovery_code")]);
  for (const told of [secret, bytesOf(secret).toString("hex"), bytesOf(secret).toString("base64"), ...codes])
    assert.ok(!rows.includes(told));
});

test("the password alone opens nothing but the second step, which changes the token", async () => {
  const { secret } = await addWithFactor("emil");
  const half = await box.signIn("emil");
  assert.partialDeepStrictEqual(await (await box.ask("GET", "/api/session", half)).json(), { owes: "second-factor" });
  for (const [method, path, body] of [
    ["GET", "/api/series", undefined],
    ["GET", "/api/account", undefined],
    ["POST", "/api/account/password", { current: password, next: "plum violin harbour 42" }],
    ["POST", "/api/account/second-factor/remove", { code: shown(secret) }],
  ] as const) {
    const answer = await box.ask(method, path, half, body);
    assert.deepEqual([answer.status, await codeIn(answer)], [403, "owes-second-factor"], path);
  }
  const wrong = await giveCode(half, "000000");
  assert.deepEqual([wrong.status, await codeIn(wrong)], [403, "code-wrong"]);
  const right = await giveCode(half, shown(secret));
  assert.deepEqual([right.status, await right.json()], [200, { user: { name: "emil", role: "reviewer" } }]);
  assert.deepEqual([await statusWith(half), await statusWith(cookieOf(right))], [401, 200]);
});

test("a code counts once, also in another session and with the codes of the neighbouring steps", async () => {
  const { secret } = await addWithFactor("frida");
  const code = shown(secret);
  assert.equal((await giveCode(await box.signIn("frida"), code)).status, 200);
  const second = await box.signIn("frida");
  assert.equal((await giveCode(second, code)).status, 403, "the same again");
  assert.equal((await giveCode(second, shown(secret, -1))).status, 403, "one from before");
  assert.equal((await giveCode(second, shown(secret, 2))).status, 403, "one that is not due yet");
  assert.equal((await giveCode(second, shown(secret, 1))).status, 200, "the next one, on a telephone that is half a minute fast");
});

test("of two requests with one code at the same moment one gets in", async () => {
  const { secret } = await addWithFactor("gerd");
  const halves = [await box.signIn("gerd"), await box.signIn("gerd")];
  const statuses = await Promise.all(halves.map(async (half) => (await giveCode(half, shown(secret))).status));
  assert.deepEqual(statuses.toSorted(), [200, 403]);
});

test("a recovery code opens once, however it is typed", async () => {
  const { codes, cookie } = await addWithFactor("hanna");
  const code = codes[3]!;
  assert.equal((await giveCode(await box.signIn("hanna"), code.toLowerCase().replaceAll("-", " "))).status, 200);
  assert.equal((await giveCode(await box.signIn("hanna"), code)).status, 403);
  assert.equal(((await (await box.ask("GET", "/api/account", cookie)).json()) as Account).recoveryCodesLeft, 9);
});

test("guessing codes is slowed down further than guessing passwords, and the password is no way round it", async () => {
  const { secret } = await addWithFactor("ilse");
  const half = await box.signIn("ilse");
  const statuses: number[] = [];
  let longest = 0;
  for (let attempt = 0; attempt < 40; attempt++) {
    const answer = await giveCode(half, "000000");
    statuses.push(answer.status);
    const waitS = Number(answer.headers.get("Retry-After") ?? 0);
    longest = Math.max(longest, waitS);
    box.passTime(Math.min(waitS, 120) * 1000); // less than the session's hour in all
  }
  assert.deepEqual(statuses.slice(0, 6), [403, 403, 403, 403, 403, 429]);
  assert.ok(longest > 60, `the longest pause was ${longest} s`);
  const next = await box.signIn("ilse");
  assert.equal((await giveCode(next, shown(secret))).status, 429, "the right code waits too, in whatever session");
  box.passTime(2 * 60 * 60_000); // the address is forgotten
});

test("it is removed with a code only, and recovery codes are renewed with one", async () => {
  const { secret, codes, cookie } = await addWithFactor("jule");
  assert.equal(
    (await box.ask("POST", "/api/account/second-factor", cookie, { password })).status,
    422,
    "another in its place: remove it first",
  );
  const renewed = await box.ask("POST", "/api/account/recovery-codes", cookie, { code: shown(secret) });
  const { codes: others } = (await renewed.json()) as RecoveryCodes;
  assert.equal(new Set([...codes, ...others]).size, 20);
  assert.equal((await box.ask("POST", "/api/account/second-factor/remove", cookie, { code: codes[0] })).status, 403);
  const removed = await box.ask("POST", "/api/account/second-factor/remove", cookie, { code: others[0] });
  assert.equal(removed.status, 204);
  assert.equal(await statusWith(cookieOf(removed)), 200);
  assert.equal(await statusWith(await box.signIn("jule")), 200, "the password is enough again");
});

test("where a role needs one, nothing opens before it is set up", async () => {
  const settings = { idleMinutes: 60, absoluteHours: 12, secondFactorFor: ["reviewer"] };
  admin = await box.signIn("admin");
  const open = await box.signIn("reviewer");
  assert.equal((await box.ask("POST", "/api/sign-in-settings", admin, settings)).status, 204);
  const refused = await box.ask("GET", "/api/series", open);
  assert.deepEqual([refused.status, await codeIn(refused)], [403, "owes-second-factor-setup"]);
  const { secret } = (await (await box.ask("POST", "/api/account/second-factor", open, { password })).json()) as ProposedSecondFactor;
  const confirmed = await box.ask("POST", "/api/account/second-factor/confirm", open, { code: shown(secret) });
  assert.equal(await statusWith(cookieOf(confirmed)), 200);
  assert.equal((await box.ask("POST", "/api/sign-in-settings", admin, { ...settings, secondFactorFor: [] })).status, 204);
});

test("an administrator removes it for somebody who has lost their telephone; sessions end", async () => {
  const { id, cookie } = await addWithFactor("kurt");
  admin = await box.signIn("admin");
  assert.equal((await box.ask("POST", `/api/users/${id}/reset-second-factor`, admin)).status, 204);
  assert.equal(await statusWith(cookie), 401);
  assert.equal(await statusWith(await box.signIn("kurt")), 200);
  assert.equal(box.database.all("select * from recovery_code where user_id = ?", id).length, 0);
});

test("a session that was ended while its code was looked at does not come back", async () => {
  const { id, codes } = await addWithFactor("lena");
  const half = await box.signIn("lena");
  admin = await box.signIn("admin");
  const given = giveCode(half, codes[9]!); // looked at for some hundred ms
  await box.ask("DELETE", `/api/users/${id}/sessions`, admin);
  const answer = await given;
  assert.deepEqual([answer.status, box.database.all("select * from session where user_id = ?", id).length], [401, 0]);
});

test("each step is in the audit trail, without codes", async () => {
  const trail = listAudit(box.database, 1_000);
  const actions = new Set(trail.map(({ action }) => action));
  for (const action of [
    "second-factor-set-up",
    "second-factor-given",
    "second-factor-failed",
    "second-factor-removed",
    "recovery-codes-renewed",
  ])
    assert.ok(actions.has(action), action);
  assert.ok(!JSON.stringify(trail).includes("000000"));
});
