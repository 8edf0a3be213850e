import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks again until the answer is there: what a delivery brings arrives when the sender is ready, not when the test is. */
export async function eventually<T>(ask: () => Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > until) assert.fail(`no answer within ${timeoutMs} ms`);
    await sleep(100);
  }
}
