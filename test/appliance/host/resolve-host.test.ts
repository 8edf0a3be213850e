import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createHostResolver } from "../../../appliance/host/resolve-host.ts";

function resolving() {
  const state = { now: 0, asked: 0, answer: ["10.0.0.1"] as readonly string[] | null };
  const resolve = createHostResolver({ ...systemClock, now: () => state.now }, async () => {
    state.asked++;
    if (!state.answer) throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    return state.answer;
  });
  return { state, resolve };
}

test("a name is asked for once a minute", async () => {
  const { state, resolve } = resolving();
  assert.deepEqual(await resolve("ct1"), ["10.0.0.1"]);
  state.answer = ["10.0.0.2"];
  assert.deepEqual(await resolve("ct1"), ["10.0.0.1"]);
  assert.equal(state.asked, 1);
  state.now = 61_000;
  assert.deepEqual(await resolve("ct1"), ["10.0.0.2"]);
});

test("a name server that is away leaves the last answer standing; without one there is no address", async () => {
  const { state, resolve } = resolving();
  await resolve("ct1");
  state.now = 3_600_000;
  state.answer = null;
  assert.deepEqual(await resolve("ct1"), ["10.0.0.1"]);
  assert.deepEqual(await resolve("ct2"), []);
});

test("the system's own look-up knows localhost", async () => {
  const addresses = await createHostResolver(systemClock)("localhost");
  assert.ok(addresses.some((address) => address === "127.0.0.1" || address === "::1"));
});
