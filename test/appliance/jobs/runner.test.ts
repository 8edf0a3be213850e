import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "../../../appliance/base/clock.ts";
import { RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { type Commit, type Lane, Later, Runner, type Step } from "../../../appliance/jobs/runner.ts";
import type { Database } from "../../../appliance/store/database.ts";
import { addJob, claimJob, releaseRunningJobs } from "../../../appliance/store/jobs.ts";
import { getSetting, setSetting } from "../../../appliance/store/settings.ts";
import { temporaryDatabase } from "../../make/database.ts";
import { eventually } from "../../peers/eventually.ts";

type Reason = { code: string; message: string };
type Event = { level: string; event: string; [field: string]: unknown };

/** A database and a runner of steps, stopped at the end of the test. */
async function running(steps: Readonly<Record<string, Step>>, widths: Readonly<Record<string, number>> = {}, clock: Clock = systemClock) {
  const made = await temporaryDatabase();
  const events: Event[] = [];
  const lanes: Lane[] = Object.keys(steps).map((kind) => ({ kinds: [kind], width: widths[kind] ?? 1 }));
  const log = createLog((line) => events.push(JSON.parse(line)), Date.now, "debug");
  const runner = new Runner({ database: made.database, steps: new Map(Object.entries(steps)), lanes, clock, log });
  return {
    ...made,
    runner,
    events,
    async [Symbol.asyncDispose]() {
      await runner.stop();
      await made[Symbol.asyncDispose]();
    },
  };
}

/** A step whose tries are given one by one; after the last one it is done. */
function scripted(tries: readonly (() => Commit | Later)[], rest: Partial<Step> = {}) {
  const attempts: number[] = [];
  const gaveUp: Reason[] = [];
  const willRetry: Reason[] = [];
  const step: Step = {
    maxAttempts: 3,
    retryDelay: { firstMs: 20, maxMs: 40 },
    gaveUp: (_, reason) => gaveUp.push(reason),
    willRetry: (_, reason) => willRetry.push(reason),
    async run(_, { attempt }) {
      const next = tries[attempts.length];
      attempts.push(attempt);
      return next ? next() : () => {};
    },
    ...rest,
  };
  return { step, attempts, gaveUp, willRetry };
}

const fails = (error: Error) => (): never => {
  throw error;
};
const add = (database: Database, kind: string, key = `${kind}:1`, runAt = Date.now()) =>
  addJob(database, { kind, key, payload: { key }, runAt });
const jobs = (database: Database) =>
  database.all<{ key: string; state: string; attempt: number; last_error: string | null }>("select * from job order by id");
const settled = (database: Database) =>
  eventually(async () => (jobs(database).every(({ state }) => state === "failed") ? true : undefined), 5_000);

test("a due job runs once, and is gone when it is done", async () => {
  const { step, attempts } = scripted([]);
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1]);
  assert.deepEqual(jobs(made.database), []);
});

test("a job that is due later runs at its time, without another wake", async () => {
  let ranAt = 0;
  const { step } = scripted([
    () => () => {
      ranAt = Date.now();
    },
  ]);
  await using made = await running({ a: step });
  const runAt = Date.now() + 150;
  add(made.database, "a", "a:1", runAt);
  made.runner.wake();
  await settled(made.database);
  assert.ok(ranAt >= runAt && ranAt < runAt + 2_000, `ran ${ranAt - runAt} ms after its time`);
});

test("a fault of ours is tried again with growing delay, then set aside with its message, its stack in the log", async () => {
  const { step, attempts, gaveUp, willRetry } = scripted(Array(9).fill(fails(new Error("boom"))));
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.deepEqual(willRetry, [
    { code: "fault", message: "boom" },
    { code: "fault", message: "boom" },
  ]);
  assert.deepEqual(gaveUp, [{ code: "fault", message: "boom" }]);
  assert.partialDeepStrictEqual(jobs(made.database), [{ state: "failed", attempt: 3, last_error: "boom" }]);
  const delays = made.events.filter(({ event }) => event === "job-will-retry").map(({ delayMs }) => delayMs as number);
  assert.ok(delays[0]! >= 15 && delays[0]! <= 20 && delays[1]! >= 30 && delays[1]! <= 40, `delays ${delays}`);
  assert.match(String(made.events.find(({ event }) => event === "job-set-aside")?.stack), /Error: boom\n +at /);
});

test("what is refused is set aside at once, under its own code", async () => {
  const { step, attempts, gaveUp } = scripted([fails(new RefusedError("slices-uneven", "slice gap 10.0 mm"))]);
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1]);
  assert.deepEqual(gaveUp, [{ code: "slices-uneven", message: "slice gap 10.0 mm" }]);
});

test("what is unavailable is tried more often than a fault, without limit where none is given", async () => {
  const { step, attempts, gaveUp } = scripted(Array(6).fill(fails(new UnavailableError("peer-unavailable", "no answer"))));
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(gaveUp, []);
});

test("tries that found something unavailable bring a fault no nearer to being set aside, and the other way round", async () => {
  const away = fails(new UnavailableError("disk-full", "no room"));
  const fault = fails(new Error("boom"));
  const { step, attempts, gaveUp } = scripted([away, fault, away, away, fault, away], { maxUnavailableAttempts: 5 });
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(gaveUp, []);
});

test("a limit for the unavailable is kept", async () => {
  const { step, attempts, gaveUp } = scripted(Array(9).fill(fails(new UnavailableError("disk-full", "no room"))), {
    maxUnavailableAttempts: 4,
  });
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.equal(attempts.length, 4);
  assert.deepEqual(gaveUp, [{ code: "disk-full", message: "no room" }]);
});

test("a job that is not ready yet waits, and its looks do not count as tries", async () => {
  const later = () => new Later(Date.now() + 5);
  const { step, attempts, gaveUp } = scripted([later, later, later, later, later]);
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(gaveUp, []);
});

test("a lane runs no more jobs at a time than it is wide, and the lanes do not wait for each other", async () => {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const slow: Step = {
    maxAttempts: 1,
    gaveUp: () => {},
    async run({ key }: { key: string }) {
      const kind = key.split(":")[0]!;
      now.set(kind, (now.get(kind) ?? 0) + 1);
      most.set(kind, Math.max(most.get(kind) ?? 0, now.get(kind)!));
      await systemClock.sleep(30);
      now.set(kind, now.get(kind)! - 1);
      return () => {};
    },
  };
  await using made = await running({ narrow: slow, wide: slow }, { wide: 3 });
  for (let n = 0; n < 6; n++) for (const kind of ["narrow", "wide"]) add(made.database, kind, `${kind}:${n}`);
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual([...most], [["narrow", 1], ["wide", 3]]); // biome-ignore format: a pair each
});

test("a job added while its twin runs is done after it, not beside it", async () => {
  let now = 0;
  let most = 0;
  let runs = 0;
  const step: Step = {
    maxAttempts: 1,
    gaveUp: () => {},
    async run() {
      most = Math.max(most, ++now);
      if (++runs === 1) {
        add(made.database, "a");
        made.runner.wake();
      }
      await systemClock.sleep(20);
      now--;
      return () => {};
    },
  };
  await using made = await running({ a: step }, { a: 4 });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual({ runs, most }, { runs: 2, most: 1 });
});

test("a step's row changes, its follow-up jobs and the end of its job are one transaction", async () => {
  const { step, attempts } = scripted([
    () => () => {
      setSetting(made.database, "done", attempts.length);
      add(made.database, "b");
      if (attempts.length === 1) throw new Error("power cut"); // after its changes, before its end
    },
    () => () => setSetting(made.database, "second", getSetting(made.database, "done") ?? "nothing of the first try"),
  ]);
  const next = scripted([]);
  await using made = await running({ a: step, b: next.step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.equal(getSetting(made.database, "second"), "nothing of the first try");
  assert.deepEqual(next.attempts, []);
});

test("a follow-up job runs without another wake", async () => {
  const next = scripted([]);
  const { step } = scripted([() => () => add(made.database, "b")]);
  await using made = await running({ a: step, b: next.step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(next.attempts, [1]);
});

test("row changes of a job set aside are one transaction with that", async () => {
  const { step } = scripted([fails(new RefusedError("no", "no"))], { gaveUp: () => setSetting(made.database, "reason", "no") });
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await settled(made.database);
  assert.equal(getSetting(made.database, "reason"), "no");
});

test("a fault in a step's row changes ends its job, not the service, and the lane goes on", async () => {
  const refused = new RefusedError("delivery-settled", "delivered already");
  const { step } = scripted([fails(refused)], {
    gaveUp() {
      setSetting(made.database, "half", true);
      throw refused;
    },
  });
  await using made = await running({ a: step });
  add(made.database, "a", "a:1", 1);
  add(made.database, "a", "a:2", 2);
  made.runner.wake();
  await settled(made.database);
  assert.partialDeepStrictEqual(jobs(made.database), [{ key: "a:1", state: "failed", last_error: "delivered already" }]);
  assert.equal(getSetting(made.database, "half"), undefined);
  assert.ok(made.events.some(({ event, level }) => event === "job-note-failed" && level === "error"));
});

test("how a job ended is noted when the disk has room again", async () => {
  const { step } = scripted([fails(new RefusedError("no", "no"))], {
    gaveUp: () => setSetting(made.database, "reason", "x".repeat(1e6)),
  });
  const slept: number[] = [];
  await using made = await running(
    { a: step },
    {},
    {
      ...systemClock,
      async sleep(ms) {
        slept.push(ms);
        if (slept.length === 2) made.database.sql.pragma("max_page_count = 1000000");
      },
    },
  );
  add(made.database, "a");
  made.database.sql.pragma(`max_page_count = ${made.database.sql.pragma("page_count", { simple: true })}`);
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(slept, [10_000, 10_000]);
  assert.equal(getSetting<string>(made.database, "reason")?.length, 1e6);
});

test("a stop in the middle of a job tells it to stop, and the job waits for the next start with no try lost", async () => {
  const started = Promise.withResolvers<void>();
  const step: Step = {
    maxAttempts: 1,
    gaveUp: () => assert.fail("it was not the job's fault"),
    async run(_, { signal }) {
      started.resolve();
      await systemClock.sleep(60_000, signal);
      return () => {};
    },
  };
  await using made = await running({ a: step });
  add(made.database, "a", "a:1", 1);
  add(made.database, "a", "a:2", 2);
  made.runner.wake();
  await started.promise;
  await made.runner.stop();
  assert.partialDeepStrictEqual(jobs(made.database), [
    { key: "a:1", state: "waiting", attempt: 0 },
    { key: "a:2", state: "waiting", attempt: 0 },
  ]);
  made.runner.wake();
  assert.ok(jobs(made.database).every(({ state }) => state === "waiting"));
});

test("a job that comes to its end while the service stops is noted as done", async () => {
  const started = Promise.withResolvers<void>();
  const step: Step = {
    maxAttempts: 1,
    gaveUp: () => {},
    async run() {
      started.resolve();
      await systemClock.sleep(50);
      return () => setSetting(made.database, "done", true);
    },
  };
  await using made = await running({ a: step });
  add(made.database, "a");
  made.runner.wake();
  await started.promise;
  await made.runner.stop();
  assert.equal(getSetting(made.database, "done"), true);
  assert.deepEqual(jobs(made.database), []);
});

test("a job that was running at five ends of the service is set aside without being run again", async () => {
  const { step, attempts, gaveUp } = scripted([]);
  await using made = await running({ a: step });
  add(made.database, "a", "a:1", 1);
  for (let start = 0; start < 5; start++) {
    assert.equal(claimJob(made.database, ["a"], Date.now())?.crashes, start);
    releaseRunningJobs(made.database, Date.now());
  }
  made.runner.wake();
  await settled(made.database);
  assert.deepEqual(attempts, []);
  assert.equal(gaveUp[0]?.code, "ends-the-service");
});

test("a kind without a step, and a step without a lane, stop the start", async () => {
  await using made = await temporaryDatabase();
  const { step } = scripted([]);
  const log = createLog(() => {}, Date.now);
  const options = { database: made.database, clock: systemClock, log, steps: new Map([["a", step]]) };
  assert.throws(() => new Runner({ ...options, lanes: [{ kinds: ["a", "b"], width: 1 }] }), /without a step or a lane: b/);
  assert.throws(() => new Runner({ ...options, lanes: [] }), /without a step or a lane: a/);
});
