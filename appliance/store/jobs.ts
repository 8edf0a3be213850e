import type { JobId } from "../domain/ids.ts";
import type { Database } from "./database.ts";

export type NewJob = {
  readonly kind: string;
  /** While a job with this key waits, adding it again moves the waiting one instead of adding a second. */
  readonly key: string;
  readonly payload: unknown;
  /** UTC epoch ms. */
  readonly runAt: number;
};

export type Job = {
  readonly id: JobId;
  readonly kind: string;
  readonly key: string;
  readonly payload: unknown;
  readonly attempt: number;
  /** Tries before this one that ended by a fault of ours. */
  readonly faults: number;
  readonly crashes: number;
};

export function addJob(database: Database, { kind, key, payload, runAt }: NewJob): void {
  database.run(
    `insert into job (kind, key, payload, run_at) values (?, ?, ?, ?)
     on conflict (key) where state = 'waiting' do update set run_at = excluded.run_at, payload = excluded.payload`,
    kind,
    key,
    JSON.stringify(payload),
    runAt,
  );
}

/** No job is put off for longer on purpose: quiet time is at most an hour. What waits for longer was added before the clock was set back. */
const longestDelayMs = 2 * 3600_000;

/** Of the waiting jobs those whose twin, a job with the same key, does not run: what one key stands for is never done twice at a time. */
const isFree = "state = 'waiting' and not exists (select 1 from job as twin where twin.state = 'running' and twin.key = job.key)";

/** Takes the job of these kinds that has waited longest, if one is due; its attempt is counted before it runs. */
export function claimJob(database: Database, kinds: readonly string[], now: number): Job | undefined {
  const row = database.get<{ id: number; kind: string; key: string; payload: string; attempt: number; faults: number; crashes: number }>(
    `update job set state = 'running', attempt = attempt + 1
     where id = (select id from job where ${isFree} and (run_at <= ? or run_at > ?) and kind in (select value from json_each(?)) order by run_at, id limit 1)
     returning id, kind, key, payload, attempt, faults, crashes`,
    now,
    now + longestDelayMs,
    JSON.stringify(kinds),
  );
  return row && { ...row, payload: JSON.parse(row.payload) };
}

/** Whether a job with this key runs just now. */
export function isJobRunning(database: Database, key: string): boolean {
  return database.get("select 1 from job where key = ? and state = 'running'", key) !== undefined;
}

/** Keys of the jobs that run just now. */
export function listRunningKeys(database: Database): ReadonlySet<string> {
  return new Set(database.all<{ key: string }>("select key from job where state = 'running'").map(({ key }) => key));
}

/** When the next waiting job of these kinds is due, UTC ms. */
export function nextRunAt(database: Database, kinds: readonly string[]): number | undefined {
  return (
    database.get<{ run_at: number | null }>(
      `select min(run_at) as run_at from job where ${isFree} and kind in (select value from json_each(?))`,
      JSON.stringify(kinds),
    )?.run_at ?? undefined
  );
}

/** Done jobs are removed: what they came to stands in the rows they changed. */
export function finishJob(database: Database, id: JobId): void {
  database.run("delete from job where id = ?", id);
}

/** Set aside; stays as evidence. */
export function failJob(database: Database, id: JobId, error: string): void {
  database.run("update job set state = 'failed', last_error = ? where id = ?", error, id);
}

/** Counts a try that ended by a fault of ours. */
export function noteFault(database: Database, id: JobId): void {
  database.run("update job set faults = faults + 1 where id = ?", id);
}

/** Back to waiting. Where a newer job with its key waits already, that one serves and this one ends. */
export function postponeJob(database: Database, job: Job, runAt: number, error: string | null, countAttempt: boolean): void {
  database.transaction(() => {
    const twin = database.get("select 1 from job where key = ? and state = 'waiting' and id <> ?", job.key, job.id);
    if (twin) finishJob(database, job.id);
    else
      database.run(
        "update job set state = 'waiting', run_at = ?, last_error = ?, attempt = attempt - ? where id = ?",
        runAt,
        error,
        countAttempt ? 0 : 1,
        job.id,
      );
  });
}

/** At start nothing can be running: what says so was cut off by the last end, and waits again. */
export function releaseRunningJobs(database: Database, now: number): number {
  return database.transaction(() => {
    const running = database.all<Job>("select id, kind, key, payload, attempt, faults, crashes from job where state = 'running'");
    for (const job of running) {
      database.run("update job set crashes = crashes + 1 where id = ?", job.id);
      postponeJob(database, job, now, "the service ended while this ran", false);
    }
    return running.length;
  });
}
