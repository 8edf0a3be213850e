import { backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Database } from "../store/database.ts";
import { claimJob, failJob, finishJob, type Job, nextRunAt, noteFault, postponeJob } from "../store/jobs.ts";

/** What a step came to: row changes and follow-up jobs, applied in one transaction with the end of the job. */
export type Commit = () => void;

/** Not yet: the job waits until then, and the try does not count. */
export class Later {
  readonly runAt: number;
  constructor(runAt: number) {
    this.runAt = runAt;
  }
}

export type Step = {
  /** Does the work; must be safe to repeat, since a crash after it and before its commit does it again. */
  readonly run: (payload: never, context: { readonly attempt: number; readonly signal: AbortSignal }) => Promise<Commit | Later>;
  /** Row changes when the job is set aside for good; in one transaction with that. */
  readonly gaveUp: (payload: never, reason: { code: string; message: string }) => void;
  /** Row changes when a try failed and another follows. */
  readonly willRetry?: (payload: never, reason: { code: string; message: string }) => void;
  /** Tries that end by a fault of ours before the job is set aside; those that found something unavailable do not count here. */
  readonly maxAttempts: number;
  /** Tries while something is unavailable; without limit where absent. */
  readonly maxUnavailableAttempts?: number;
  readonly retryDelay?: { readonly firstMs: number; readonly maxMs: number };
};

/** A job during which the service itself ended this often is set aside, so that the queue goes on. */
const maxCrashes = 5;

type Fields = Record<string, string | number>;

/** Until the next look when the database could not be read or written. */
const databaseRetryMs = 10_000;

/** Steps that share their workers: at most `width` run at a time. */
export type Lane = { readonly kinds: readonly string[]; readonly width: number };

/**
 * Runs due jobs until stopped. A RefusedError sets a job aside at once, an UnavailableError tries again with growing delay, anything else is
 * a fault of ours: tried `maxAttempts` times, with its stack in the log.
 */
export class Runner {
  readonly #database: Database;
  readonly #steps: ReadonlyMap<string, Step>;
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #busy = new Map<Lane, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Fails when a lane names a kind without a step, or a step has no lane. */
  constructor(options: { database: Database; steps: ReadonlyMap<string, Step>; lanes: readonly Lane[]; clock: Clock; log: Log }) {
    ({ database: this.#database, steps: this.#steps, lanes: this.#lanes, clock: this.#clock, log: this.#log } = options);
    const laned = this.#lanes.flatMap(({ kinds }) => kinds);
    const strays = [...laned.filter((kind) => !this.#steps.has(kind)), ...[...this.#steps.keys()].filter((kind) => !laned.includes(kind))];
    if (strays.length > 0) throw new Error(`job kinds without a step or a lane: ${strays.join(", ")}`);
  }

  /** Looks for due work; call it after adding jobs. Cheap when there is none. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    try {
      for (const lane of this.#lanes) while (this.#startNext(lane));
      const free = this.#lanes.filter((lane) => (this.#busy.get(lane) ?? 0) < lane.width).flatMap(({ kinds }) => kinds);
      const next = nextRunAt(this.#database, free);
      // Looks at least once a minute: a timer knows nothing of a clock that is set meanwhile.
      if (next !== undefined) this.#wakeIn(Math.min(60_000, Math.max(1, next - this.#clock.now())));
    } catch (error) {
      this.#log.error("jobs-unreadable", { message: messageOf(error), stack: error instanceof Error ? error.stack : undefined });
      this.#wakeIn(databaseRetryMs);
    }
  }

  #wakeIn(delayMs: number): void {
    this.#timer = setTimeout(() => this.wake(), delayMs);
  }

  /** Starts nothing more, tells running steps to stop, and waits for them. What was cut short waits for the next start. */
  async stop(): Promise<void> {
    this.#stop.abort(new UnavailableError("stopping", "the service is stopping"));
    clearTimeout(this.#timer);
    await Promise.all(this.#running);
  }

  #startNext(lane: Lane): boolean {
    const busy = this.#busy.get(lane) ?? 0;
    if (busy >= lane.width) return false;
    const job = claimJob(this.#database, lane.kinds, this.#clock.now());
    if (!job) return false;
    this.#busy.set(lane, busy + 1);
    const running = this.#run(job).finally(() => {
      this.#running.delete(running);
      this.#busy.set(lane, (this.#busy.get(lane) ?? 1) - 1);
      this.wake();
    });
    this.#running.add(running);
    return true;
  }

  /** Never rejects. */
  async #run(job: Job): Promise<void> {
    const step = this.#steps.get(job.kind)!;
    const payload = job.payload as never;
    const fields = { job: job.id, kind: job.kind, key: job.key, attempt: job.attempt };
    try {
      if (job.crashes >= maxCrashes)
        throw new RefusedError("ends-the-service", `the service ended ${job.crashes} times while this ran; set aside`);
      const outcome = await step.run(payload, { attempt: job.attempt, signal: this.#stop.signal });
      this.#database.transaction(() => {
        if (outcome instanceof Later) return postponeJob(this.#database, job, outcome.runAt, null, false);
        outcome();
        finishJob(this.#database, job.id);
      });
      this.#log.debug("job-done", fields);
    } catch (error) {
      await this.#failed(job, step, payload, error, fields);
    }
  }

  async #failed(job: Job, step: Step, payload: never, error: unknown, fields: Fields): Promise<void> {
    if (this.#stop.signal.aborted)
      return this.#note(fields, [
        () => postponeJob(this.#database, job, this.#clock.now(), "the service was stopped while this ran", false),
      ]);
    const isRefused = error instanceof RefusedError;
    const isUnavailable = error instanceof UnavailableError;
    const reason = { code: isRefused || isUnavailable ? error.code : "fault", message: messageOf(error) };
    const stack = isRefused || isUnavailable ? undefined : error instanceof Error ? error.stack : undefined;
    const isLast = isUnavailable
      ? job.attempt - job.faults >= (step.maxUnavailableAttempts ?? Infinity)
      : isRefused || job.faults + 1 >= step.maxAttempts;
    if (isLast) {
      this.#log.error("job-set-aside", { ...fields, code: reason.code, message: reason.message, stack });
      return this.#note(fields, [() => failJob(this.#database, job.id, reason.message), () => step.gaveUp(payload, reason)]);
    }
    const delayMs = backoffMs(job.attempt, Math.random(), step.retryDelay);
    this.#log.warn("job-will-retry", { ...fields, code: reason.code, message: reason.message, delayMs, stack });
    return this.#note(fields, [
      () => {
        if (!isUnavailable) noteFault(this.#database, job.id);
        postponeJob(this.#database, job, this.#clock.now() + delayMs, reason.message, true);
      },
      () => step.willRetry?.(payload, reason),
    ]);
  }

  /**
   * Writes down how a try ended, with the step's own row changes, in one transaction: tried until the database can be written, else the job
   * would count as running until the next start. A fault in the row changes of the step must not hold up its lane: then the job ends
   * without them.
   */
  async #note(fields: Fields, [end, rowChanges]: readonly [() => void, (() => void)?]): Promise<void> {
    for (let withRowChanges = true; ; ) {
      try {
        this.#database.transaction(() => {
          if (withRowChanges) rowChanges?.();
          end();
        });
        return;
      } catch (error) {
        const stack = error instanceof Error ? error.stack : undefined;
        this.#log.error("job-note-failed", { ...fields, message: messageOf(error), stack });
        if (withRowChanges && rowChanges && !(error instanceof UnavailableError)) withRowChanges = false;
        else if (this.#stop.signal.aborted)
          return; // the next start lets it wait again
        else await this.#clock.sleep(databaseRetryMs, this.#stop.signal).catch(() => {}); // stopped: one last try
      }
    }
  }
}
