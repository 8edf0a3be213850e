import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../../appliance/base/backoff.ts";

test("the delay doubles with each try up to its limit", () => {
  const delays = [1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 0, { firstMs: 1000, maxMs: 10_000 }));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 10_000]);
});

test("chance shortens a delay by at most a quarter", () => {
  assert.equal(backoffMs(1, 1, { firstMs: 1000, maxMs: 10_000 }), 750);
  assert.equal(backoffMs(1, 0.5, { firstMs: 1000, maxMs: 10_000 }), 875);
});

test("after thousands of tries the delay is still the longest one, a finite number", () => {
  assert.equal(backoffMs(5000, 0), 15 * 60_000);
});
