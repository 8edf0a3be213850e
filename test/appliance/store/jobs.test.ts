import assert from "node:assert/strict";
import { test } from "node:test";
import type { Database } from "../../../appliance/store/database.ts";
import { addJob, claimJob, failJob, finishJob, nextRunAt, postponeJob, releaseRunningJobs } from "../../../appliance/store/jobs.ts";
import { temporaryDatabase } from "../../make/database.ts";

const day = 24 * 3600_000;

function add(database: Database, key: string, runAt: number, payload: unknown = null): void {
  addJob(database, { kind: key.split(":")[0]!, key, payload, runAt });
}

function rows(database: Database): { key: string; state: string; run_at: number; attempt: number; crashes: number }[] {
  return database.all("select key, state, run_at, attempt, crashes from job order by id");
}

test("jobs are claimed in the order in which they were due, with their payload, and none before its time", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:late", 30, { n: 1 });
  add(database, "a:early", 10, { n: 2 });
  add(database, "a:same", 10, { n: 3 });
  assert.equal(claimJob(database, ["a"], 9), undefined);
  const claimed = [claimJob(database, ["a"], 40), claimJob(database, ["a"], 40), claimJob(database, ["a"], 40)];
  assert.deepEqual(
    claimed.map((job) => [job?.key, job?.payload, job?.attempt]),
    [
      ["a:early", { n: 2 }, 1],
      ["a:same", { n: 3 }, 1],
      ["a:late", { n: 1 }, 1],
    ],
  );
  assert.equal(claimJob(database, ["a"], 40), undefined);
});

test("only the kinds asked for are claimed and looked ahead to", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:1", 20);
  add(database, "b:1", 10);
  assert.equal(nextRunAt(database, ["a"]), 20);
  assert.equal(nextRunAt(database, ["a", "b"]), 10);
  assert.equal(nextRunAt(database, ["c"]), undefined);
  assert.equal(claimJob(database, ["a"], 100)?.key, "a:1");
  assert.equal(claimJob(database, ["a"], 100), undefined);
  assert.equal(nextRunAt(database, []), undefined);
});

test("adding a job again while it waits moves it, earlier or later, and gives it the new payload", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "close:1", 10, "old");
  add(database, "close:1", 50, "new");
  assert.deepEqual(
    rows(database).map(({ run_at }) => run_at),
    [50],
  );
  add(database, "close:1", 20, "newest");
  assert.equal(claimJob(database, ["close"], 20)?.payload, "newest");
});

test("a job added while its twin runs waits for the twin's end: one key is never worked on twice at a time", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "deliver:1", 10);
  const running = claimJob(database, ["deliver"], 10)!;
  add(database, "deliver:1", 11);
  assert.equal(claimJob(database, ["deliver"], 100), undefined);
  assert.equal(nextRunAt(database, ["deliver"]), undefined);
  finishJob(database, running.id);
  assert.equal(nextRunAt(database, ["deliver"]), 11);
  assert.equal(claimJob(database, ["deliver"], 100)?.key, "deliver:1");
});

test("a job set aside stays as evidence and does not keep its key", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "segment:1", 10);
  failJob(database, claimJob(database, ["segment"], 10)!.id, "slice gap");
  assert.deepEqual(database.all("select state, last_error from job"), [{ state: "failed", last_error: "slice gap" }]);
  add(database, "segment:1", 10);
  assert.equal(claimJob(database, ["segment"], 10)?.attempt, 1);
});

test("a postponed job counts its try, or does not", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:1", 10);
  const job = claimJob(database, ["a"], 10)!;
  postponeJob(database, job, 20, "away", true);
  const again = claimJob(database, ["a"], 20)!;
  assert.equal(again.attempt, 2);
  postponeJob(database, again, 30, null, false);
  assert.equal(claimJob(database, ["a"], 30)!.attempt, 2);
});

test("a job postponed while a newer one of its key waits gives way to it", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "close:1", 10, "old");
  const job = claimJob(database, ["close"], 10)!;
  add(database, "close:1", 40, "new");
  postponeJob(database, job, 20, null, false);
  assert.deepEqual(
    rows(database).map(({ state, run_at }) => [state, run_at]),
    [["waiting", 40]],
  );
  assert.equal(claimJob(database, ["close"], 40)?.payload, "new");
});

test("what ran when the service ended waits again at the next start, with a crash on its account and no try lost", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:1", 10);
  add(database, "a:2", 15);
  claimJob(database, ["a"], 10);
  assert.equal(releaseRunningJobs(database, 500), 1);
  assert.deepEqual(rows(database), [
    { key: "a:1", state: "waiting", run_at: 500, attempt: 0, crashes: 1 },
    { key: "a:2", state: "waiting", run_at: 15, attempt: 0, crashes: 0 },
  ]);
  assert.equal(releaseRunningJobs(database, 500), 0);
});

test("a job that waits already is no twin of its own: putting it off again keeps it", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:1", 10);
  const job = claimJob(database, ["a"], 20)!;
  postponeJob(database, job, 30, null, true);
  postponeJob(database, job, 40, null, true);
  assert.deepEqual(rows(database), [{ key: "a:1", state: "waiting", run_at: 40, attempt: 1, crashes: 0 }]);
});

test("after a crash a running job with a waiting twin is one job again", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:1", 10);
  claimJob(database, ["a"], 10);
  add(database, "a:1", 20);
  releaseRunningJobs(database, 500);
  assert.deepEqual(
    rows(database).map(({ state, run_at }) => [state, run_at]),
    [["waiting", 20]],
  );
});

test("a job added before the clock was set back by years is due, one that waits for minutes is not", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  add(database, "a:future", 1000 * day);
  add(database, "a:soon", 15 * 60_000);
  assert.equal(claimJob(database, ["a"], 0)?.key, "a:future");
  assert.equal(claimJob(database, ["a"], 0), undefined);
});
