import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type Box, password, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

const signInWith = (cookie: string): Promise<Response> =>
  fetch(`${box.origin}/api/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: box.origin, cookie },
    body: JSON.stringify({ name: "admin", password }),
  });
const statusOf = async (cookie: string): Promise<number> => (await fetch(`${box.origin}/api/session`, { headers: { cookie } })).status;
const cookieOf = (answer: Response): string => answer.headers.getSetCookie()[0]!.split(";")[0]!;

test("session fixation: a cookie that somebody put into the browser is worth nothing after signing in, whether made up or real", async () => {
  const madeUp = `segbox-session=${"A".repeat(43)}`;
  const fresh = cookieOf(await signInWith(madeUp));
  assert.notEqual(fresh, madeUp);
  assert.deepEqual([await statusOf(madeUp), await statusOf(fresh)], [401, 200]);
  const attackers = await box.signIn("reviewer");
  const victims = cookieOf(await signInWith(attackers));
  assert.deepEqual([await statusOf(attackers), await statusOf(victims)], [401, 200]);
});

/** Sends bytes as they are; the whole answer. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(box.http.port, "127.0.0.1");
  socket.write(bytes);
  const timer = setTimeout(() => socket.destroy(), 20_000);
  const answer = await text(socket).catch(() => "");
  clearTimeout(timer);
  return answer;
}

test("header injection: line ends in an address, a query or a name never reach a header of the answer", async () => {
  const cookie = await box.signIn("admin");
  const ends = ["%0d%0aSet-Cookie:%20evil=1", "%0aX-Evil:%201", "%E5%98%8A%E5%98%8DX-Evil:1"];
  for (const end of ends)
    for (const path of [
      `/${end}`,
      `/api/results/1/files/${end}`,
      `/api/nodes/${end}/test`,
      `/dicom-web/studies?PatientName=${end}`,
      `/api/audit?actor=${end}`,
      `/api/audit/export?actor=${end}`,
      `/series/1?x=${end}`,
    ]) {
      const answer = await fetch(`${box.origin}${path}`, { headers: { cookie, Accept: "*/*" } });
      assert.equal(answer.headers.get("X-Evil"), null, path);
      assert.ok(!answer.headers.getSetCookie().some((line) => line.includes("evil")), path);
      assert.ok(answer.status < 500, path);
      await answer.body?.cancel();
    }
  const own = await fetch(`${box.origin}/healthz`, { headers: { "X-Request-Id": "of-mine" } });
  assert.notEqual(own.headers.get("X-Request-Id"), "of-mine");
});

test("requests that two servers could read differently are refused, and the connection ends", async () => {
  const head = "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
  const next = "GET /api/users HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  for (const [bytes, what] of [
    [`${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${next}`, "two lengths"],
    [`${head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd${next}`, "two different lengths"],
    [`${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${next}`, "an unknown coding"],
    [`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rX-Evil: b\r\n\r\n`, "a bare carriage return"],
    [`GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n`, "a space in a header's name"],
  ] as const) {
    const answer = await raw(bytes);
    assert.match(answer, /^HTTP\/1\.1 400 /, what);
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, `${what}: what came behind was not answered`);
  }
});

test("oversized headers are refused with 431, an address of 20 kB too", async () => {
  assert.match(await raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await raw(`GET /${"x".repeat(20_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test("prototype pollution: keys of JSON bodies and queries are keys, and nothing else in the process changes", async () => {
  const cookie = await box.signIn("admin");
  const post = (path: string, body: string): Promise<Response> =>
    fetch(`${box.origin}${path}`, { method: "POST", headers: { cookie, Origin: box.origin, "Content-Type": "application/json" }, body });
  for (const body of [
    '{"__proto__":{"polluted":1},"name":"x","role":"reviewer"}',
    '{"constructor":{"prototype":{"polluted":1}},"name":"x","role":"reviewer"}',
    '{"name":"x","role":"reviewer","toString":{"polluted":1}}',
  ])
    assert.equal((await post("/api/users", body)).status, 400, body);
  for (const query of ["__proto__[polluted]=1", "__proto__=1", "constructor.prototype.polluted=1"]) {
    assert.ok((await fetch(`${box.origin}/api/audit?${query}`, { headers: { cookie } })).status < 500, query);
    assert.ok((await fetch(`${box.origin}/dicom-web/studies?${query}`, { headers: { cookie } })).status < 500, query);
  }
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("Host-header rebinding: under another's name nothing is answered, not even the page", async () => {
  for (const path of ["/", "/api/session", "/healthz", "/dicom-web/studies"])
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"]) {
      const status = await new Promise<number>((resolve, reject) => {
        const asked = request(`${box.origin}${path}`, { headers: { Host: host } }, (answer) => resolve(answer.resume().statusCode ?? 0));
        asked.on("error", reject);
        asked.end();
      });
      assert.equal(status, 421, `${host}${path}`);
    }
});
