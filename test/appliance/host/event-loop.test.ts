import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EventLoopWatch } from "../../../appliance/host/event-loop.ts";

function holdUp(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("whoever holds up the event loop is seen, at once and for a whole span after it", async () => {
  const watch = new EventLoopWatch(1_500);
  try {
    await sleep(100);
    holdUp(400);
    await sleep(100);
    const { p50Ms, p99Ms, maxMs } = watch.read();
    assert.ok(maxMs > 300, `most ${maxMs} ms`);
    assert.ok(p50Ms <= p99Ms && p99Ms <= maxMs);
    await sleep(1_500);
    assert.ok(watch.read().maxMs > 300, "the last whole span is shown while the next goes on");
  } finally {
    watch.stop();
  }
});
