import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { usualSignInSettings } from "../../../appliance/domain/user.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { type Box, password, startBox } from "./box.ts";

const idleMs = usualSignInSettings.idleMinutes * 60_000;
const absoluteMs = usualSignInSettings.absoluteHours * 3_600_000;

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

function signIn(name: string, secret: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${box.origin}/api/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: box.origin, ...headers },
    body: JSON.stringify({ name, password: secret }),
  });
}

function whoAmI(cookie: string): Promise<Response> {
  return fetch(`${box.origin}/api/session`, { headers: { cookie } });
}

const cookieOf = (answer: Response): string => answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";

test("the right password opens a session under a cookie that scripts and other sites can't use", async () => {
  const answer = await signIn("reviewer", password);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { user: { name: "reviewer", role: "reviewer" } });
  assert.match(answer.headers.getSetCookie()[0] ?? "", /^segbox-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.deepEqual(await (await whoAmI(cookieOf(answer))).json(), { user: { name: "reviewer", role: "reviewer" } });
});

test("the database does not hold the cookie's value", async () => {
  const token = cookieOf(await signIn("reviewer", password)).split("=")[1] ?? "";
  const rows = JSON.stringify(box.database.all("select * from session"));
  assert.ok(token.length > 40 && !rows.includes(token));
});

test("a wrong password and an unknown name get the same answer, and no cookie", async () => {
  const answers = [await signIn("reviewer", "wrong password"), await signIn("nobody", password)];
  const bodies = await Promise.all(
    answers.map(async (answer) => ((await answer.json()) as { error: { code: string; message: string } }).error),
  );
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.getSetCookie()]),
    [
      [401, []],
      [401, []],
    ],
  );
  assert.equal(bodies[0]?.code, "sign-in-failed");
  assert.equal(bodies[0]?.message, bodies[1]?.message);
  box.passTime(2 * 60 * 60_000);
});

test("after five wrong passwords even the right one must wait, and is told how long", async () => {
  for (let attempt = 0; attempt < 5; attempt++) assert.equal((await signIn("engineer", "wrong password")).status, 401);
  const early = await signIn("engineer", password);
  assert.equal(early.status, 429);
  assert.equal(early.headers.get("Retry-After"), "1");
  box.passTime(1_000);
  assert.equal((await signIn("engineer", password)).status, 200);
});

test("signing in again ends the session the browser had", async () => {
  const first = cookieOf(await signIn("reviewer", password));
  const second = cookieOf(await signIn("reviewer", password, { Cookie: first }));
  assert.notEqual(first, second);
  assert.equal((await whoAmI(first)).status, 401);
  assert.equal((await whoAmI(second)).status, 200);
});

test("a session that somebody made up before signing in is not taken over", async () => {
  const planted = `segbox-session=${"A".repeat(43)}`;
  const own = cookieOf(await signIn("reviewer", password, { Cookie: planted }));
  assert.notEqual(own, planted);
  assert.equal((await whoAmI(planted)).status, 401);
});

test("signing out ends the session and takes the cookie back", async () => {
  const cookie = cookieOf(await signIn("reviewer", password));
  const answer = await fetch(`${box.origin}/api/session`, { method: "DELETE", headers: { cookie, Origin: box.origin } });
  assert.equal(answer.status, 204);
  assert.match(answer.headers.getSetCookie()[0] ?? "", /^segbox-session=; Max-Age=0;/);
  assert.equal((await whoAmI(cookie)).status, 401);
});

test("a session ends an hour after its last request", async () => {
  const cookie = await box.signIn("reviewer");
  box.passTime(idleMs - 60_000);
  assert.equal((await whoAmI(cookie)).status, 200);
  box.passTime(idleMs - 60_000);
  assert.equal((await whoAmI(cookie)).status, 200);
  box.passTime(idleMs + 1_000);
  assert.equal((await whoAmI(cookie)).status, 401);
});

test("a session that is used all the time ends after twelve hours", async () => {
  const cookie = await box.signIn("reviewer");
  for (let used = 0; used < 15; used++) {
    assert.equal((await whoAmI(cookie)).status, 200);
    box.passTime(absoluteMs / 15);
  }
  box.passTime(1_000);
  assert.equal((await whoAmI(cookie)).status, 401);
});

test("sign-in, failed sign-in and sign-out are in the audit trail; a name that nobody has is not", async () => {
  await signIn("hunter2-typed-into-the-wrong-field", "wrong password");
  await signIn("admin", "wrong password");
  const cookie = cookieOf(await signIn("admin", password));
  await fetch(`${box.origin}/api/session`, { method: "DELETE", headers: { cookie, Origin: box.origin } });
  const trail = listAudit(box.database, 4).map(({ actor, action }) => [actor, action]);
  assert.deepEqual(trail.reverse(), [
    ["unknown", "sign-in-failed"],
    ["user:admin", "sign-in-failed"],
    ["user:admin", "sign-in"],
    ["user:admin", "sign-out"],
  ]);
  assert.ok(!JSON.stringify(listAudit(box.database, 100)).includes("hunter2"));
  assert.ok(!box.log.join("").includes("hunter2"));
});
