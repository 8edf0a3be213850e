import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ChildPool } from "../../../appliance/host/child-pool.ts";

const entry = join(import.meta.dirname, "child-pool-entry.ts");
type Asked = { readonly what: "pid" | "refuse" | "crash" | "hang" };
const make = (options = {}) => new ChildPool<Asked, number>(entry, { stallMs: 20_000, idleMs: 60_000, requestsPerChild: 100, ...options });

test("one child answers one request after the other, two work side by side", async () => {
  const pool = make();
  const first = await pool.ask({ what: "pid" });
  assert.equal(await pool.ask({ what: "pid" }), first);
  const pids = await Promise.all([pool.ask({ what: "pid" }), pool.ask({ what: "pid" })]);
  assert.ok(pids.includes(first) && new Set(pids).size === 2);
  pool.close();
});

test("a refusal keeps its class and the child, a crash or a hang costs the one request", async () => {
  const pool = make({ stallMs: 3_000 });
  const first = await pool.ask({ what: "pid" });
  await assert.rejects(pool.ask({ what: "refuse" }), { name: "RefusedError", code: "no", message: "not this" });
  assert.equal(await pool.ask({ what: "pid" }), first);
  await assert.rejects(pool.ask({ what: "crash" }), /ended by SIGKILL without an answer/);
  const second = await pool.ask({ what: "pid" });
  assert.notEqual(second, first);
  await assert.rejects(pool.ask({ what: "hang" }), /no answer for 3000 ms; killed/);
  const stop = new AbortController();
  const stopped = pool.ask({ what: "hang" }, stop.signal);
  stop.abort(new Error("gone"));
  await assert.rejects(stopped, /gone/);
  assert.notEqual(await pool.ask({ what: "pid" }), second);
  pool.close();
});

test("a child ends after its share of requests, and when nobody asks it anything", async () => {
  const pool = make({ requestsPerChild: 2, idleMs: 200 });
  const pids = [await pool.ask({ what: "pid" }), await pool.ask({ what: "pid" }), await pool.ask({ what: "pid" })];
  assert.ok(pids[0] === pids[1] && pids[2] !== pids[0]);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.notEqual(await pool.ask({ what: "pid" }), pids[2]);
  pool.close();
});
