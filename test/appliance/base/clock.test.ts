import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";

test("a sleep ends after its time", async () => {
  const from = systemClock.monotonicMs();
  await systemClock.sleep(30);
  assert.ok(systemClock.monotonicMs() - from >= 29); // timers of the event loop round to whole ms
});

test("a sleep that is aborted rejects at once with the signal's reason", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error("stop"));
  await assert.rejects(sleeping, /^Error: stop$/);
  await assert.rejects(systemClock.sleep(60_000, abort.signal), /^Error: stop$/);
});

test("now is UTC epoch ms", () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
});
