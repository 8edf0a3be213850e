import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ErrorBody } from "../../../appliance/api/error.ts";
import { TokenBuckets } from "../../../appliance/http/request-limit.ts";
import { type Box, startBox } from "./box.ts";

test("ten seconds' worth may come at once, then as many a second as allowed; each key has its own, and the oldest is forgotten", () => {
  let now = 0;
  const buckets = new TokenBuckets(() => now, 3);
  for (let n = 0; n < 50; n++) assert.equal(buckets.take("a", 5), 0, String(n));
  assert.equal(buckets.take("a", 5), 200);
  assert.equal(buckets.take("b", 5), 0);
  now = 1_000;
  for (let n = 0; n < 5; n++) assert.equal(buckets.take("a", 5), 0, String(n));
  assert.ok(buckets.take("a", 5) > 0);
  now = 3_600_000;
  for (let n = 0; n < 50; n++) assert.equal(buckets.take("a", 5), 0, "it does not fill beyond ten seconds' worth");
  assert.ok(buckets.take("a", 5) > 0);
  for (const key of ["c", "d", "e"]) buckets.take(key, 5);
  assert.equal(buckets.size, 3);
  assert.equal(buckets.take("a", 5), 0, "forgotten");
});

let box: Box;
before(async () => {
  box = await startBox({ limits: { requestsPerSecond: 1, dicomWebRequestsPerSecond: 1 } });
});
after(() => box.close());

const ask = (path: string, headers: Record<string, string>): Promise<Response> => fetch(`${box.origin}${path}`, { headers });

/** How many of so many requests at once are answered, not refused. */
async function answered(count: number, path: string, headers: Record<string, string>): Promise<number> {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    const answer = await ask(path, headers);
    await answer.body?.cancel();
    if (answer.status !== 429) taken++;
  }
  return taken;
}

test("a session that asks too much is told how long to wait; others, and DICOMweb, go on", async () => {
  const [admin, reviewer] = [await box.signIn("admin"), await box.signIn("reviewer")];
  const taken = await answered(25, "/api/session", { cookie: admin });
  assert.ok(taken >= 10 && taken < 25, `${taken} were answered`);
  const refused = await ask("/api/session", { cookie: admin });
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get("Retry-After") ?? "", /^[1-9]\d*$/);
  const { error } = (await refused.json()) as ErrorBody;
  assert.equal(error.code, "too-many-requests");
  assert.equal(refused.headers.get("X-Request-Id"), error.requestId);
  assert.equal((await ask("/api/session", { cookie: reviewer })).status, 200);
  assert.equal((await ask("/dicom-web/studies", { cookie: admin })).status, 200);
});

test("made-up sessions do not help: an address has its limit too", async () => {
  let taken = 0;
  for (let n = 0; n < 200; n++) taken += await answered(1, "/dicom-web/studies", { authorization: `Bearer made-up-${n}` });
  assert.ok(taken >= 39 && taken < 200, `${taken} were looked at`);
});
