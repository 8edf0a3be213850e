import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Auth } from "../../../appliance/http/auth.ts";
import { type Route, routerOf } from "../../../appliance/http/route.ts";
import { addSession } from "../../../appliance/store/sessions.ts";
import { type Box, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

test("a reviewer may not retry", () => {
  const retry = box.http.routes.find(({ path }) => path.endsWith("/retry"));
  assert.deepEqual(retry?.access, ["engineer", "admin"]);
});

test("a route that does not say who may use it fails the start", () => {
  const handle = (): void => {};
  for (const access of [undefined, [], ["root"], "everybody"]) {
    const routes = [{ method: "get", path: "/api/secret", access, handle }] as unknown as Route[];
    assert.throws(() => routerOf(routes, {} as Auth), /GET \/api\/secret does not say which roles may use it/);
  }
});

test("a session whose user was removed opens nothing", async () => {
  const { id } = box.database.run("insert into user (name, role, password_hash, created_at) values ('temp', 'admin', 'x', 0)");
  const times = { createdAt: Date.now(), lastSeenAt: Date.now() };
  addSession(box.database, { ...times, tokenDigest: "d", userId: id, address: "127.0.0.1", gaveSecondFactor: false });
  box.database.run("delete from user where id = ?", id);
  assert.equal(box.database.get("select 1 from session where token_digest = 'd'"), undefined);
});

test("a method that an address does not know is 405, an address that there is not 404, both in our own words", async () => {
  const cookie = await box.signIn("admin");
  const wrong = await fetch(`${box.origin}/api/device`, { method: "POST", headers: { cookie, Origin: box.origin } });
  assert.equal(wrong.status, 405);
  assert.equal(((await wrong.json()) as { error: { code: string } }).error.code, "method-not-allowed");
  const missing = await fetch(`${box.origin}/api/devices`, { headers: { cookie } });
  assert.equal(missing.status, 404);
  assert.equal(((await missing.json()) as { error: { code: string } }).error.code, "not-found");
});
