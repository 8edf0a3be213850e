import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { type Box, password, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

type Answer = { readonly status: number; readonly error: { code?: string; message?: string; field?: string; requestId?: string } };

async function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${box.origin}/api/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: box.origin, ...headers },
    body,
  });
  const { error = {} } = (await answer.json()) as { error?: Answer["error"] };
  return { status: answer.status, error };
}

const goodBody = JSON.stringify({ name: "reviewer", password });

test("every answer carries the security headers", async () => {
  for (const path of ["/healthz", "/api/session", "/nowhere"]) {
    const { headers } = await fetch(`${box.origin}${path}`);
    const policy = headers.get("Content-Security-Policy") ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|http:|data:/);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(headers.get("Referrer-Policy"), "no-referrer");
    assert.equal(headers.get("Cache-Control"), "no-store");
    assert.equal(headers.get("Cross-Origin-Opener-Policy"), "same-origin");
    assert.equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin");
    assert.match(headers.get("X-Request-Id") ?? "", /^[0-9a-f-]{36}$/);
  }
});

test("another site's page can't sign in, sign out or retry, by whichever header it gives itself away", async () => {
  const cookie = await box.signIn("admin");
  const others = [
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: box.origin.replace(/\d+$/, "1") }, // another port of this machine
    { Origin: box.origin, "Sec-Fetch-Site": "same-site" },
    { Origin: box.origin, "Sec-Fetch-Site": "cross-site" },
  ];
  for (const other of others) {
    assert.deepEqual([(await post(goodBody, other)).status, (await post(goodBody, other)).error.code], [403, "other-origin"]);
    const signOut = await fetch(`${box.origin}/api/session`, { method: "DELETE", headers: { cookie, ...other } });
    assert.equal(signOut.status, 403);
  }
  assert.equal((await fetch(`${box.origin}/api/session`, { headers: { cookie } })).status, 200);
  assert.equal((await post(goodBody, { "Sec-Fetch-Site": "same-origin" })).status, 200);
});

test("a form of another site, which can't send JSON, is refused by its type alone", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    assert.deepEqual((await post(goodBody, { "Content-Type": type })).status, 415);
});

test("a body that is not as it should be is refused, names the field and does not repeat what was sent", async () => {
  const faults: [string, number, string | undefined][] = [
    ["{", 400, undefined],
    ["[]", 400, ""],
    [JSON.stringify({ name: "x" }), 400, "password"],
    [JSON.stringify({ name: ["secret-value"], password }), 400, "name"],
    [JSON.stringify({ name: "x".repeat(65), password }), 400, "name"],
    [`{"name":"x","password":"y","__proto__":{"role":"admin"}}`, 400, ""],
  ];
  for (const [body, status, field] of faults) {
    const answer = await post(body);
    assert.equal(answer.status, status);
    assert.equal(answer.error.field, field);
    assert.ok(!JSON.stringify(answer).includes("secret-value"));
  }
});

test("a body over 64 KiB is refused, whether or not it says its length", async () => {
  const large = JSON.stringify({ name: "x", password: "y".repeat(70_000) });
  assert.equal((await post(large)).status, 413);
  const chunked = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(`${box.origin}/api/session`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Transfer-Encoding": "chunked" },
    });
    sent.on("response", (answer) => resolve(answer.resume().statusCode));
    sent.on("error", reject);
    for (let chunk = 0; chunk < 70; chunk++) sent.write("x".repeat(1024));
    sent.end();
  });
  assert.equal(chunked, 413);
});

test("health is told to anybody, without details", async () => {
  const answer = await fetch(`${box.origin}/healthz`);
  assert.deepEqual([answer.status, await answer.json()], [200, { status: "ok", receiving: "open" }]);
});

test("when the database is gone, health is 503, the rest 500 without details, and the log has the stack", async () => {
  const other = await startBox();
  const cookie = await other.signIn("admin");
  other.database.close();
  const health = await fetch(`${other.origin}/healthz`);
  const body = (await health.json()) as { error: { code: string; message: string } };
  assert.equal(health.status, 503);
  assert.equal(body.error.message, "the service does not work just now");
  const answer = await fetch(`${other.origin}/api/device`, { headers: { cookie } });
  const { error } = (await answer.json()) as { error: { code: string; message: string; requestId: string } };
  assert.equal(answer.status, 500);
  assert.equal(error.code, "fault");
  assert.doesNotMatch(error.message, /database|sql/i);
  const line = other.log.find((line) => line.includes("http-failed")) ?? "";
  assert.ok(line.includes(error.requestId) && line.includes("auth.ts"), line);
  await other.close();
});

test("the log names routes and our own ids, never an address or a query as it was asked for", async () => {
  const cookie = await box.signIn("admin");
  await fetch(`${box.origin}/api/series/DOE?before=JANE`, { headers: { cookie } });
  await fetch(`${box.origin}/nowhere/DOE`, { headers: { cookie } });
  const log = box.log.join("");
  assert.ok(log.includes('"route":"/api/series/:id"'));
  assert.doesNotMatch(log, /DOE|JANE/);
});

test("it closes while a keep-alive connection and an event stream are open", async () => {
  const other = await startBox();
  const cookie = await other.signIn("admin");
  const stream = await fetch(`${other.origin}/api/events`, { headers: { cookie } });
  const startedMs = performance.now();
  await other.close();
  assert.ok(performance.now() - startedMs < 2_500);
  await stream.body?.cancel().catch(() => {}); // ended by the server
});
