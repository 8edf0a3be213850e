import { monitorEventLoopDelay } from "node:perf_hooks";

/** How long the event loop was held up, ms: half of the looks found less than `p50Ms`, 99 of 100 less than `p99Ms`. */
export type EventLoopDelay = { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };

/** Between two looks: fine enough for what is to be seen, which is some tens of milliseconds. */
const resolutionMs = 10;

/**
 * Looks how long this process keeps others waiting: answers to C-STORE, C-ECHO and the page all come from its one event loop. What is read is
 * of the last whole span, of the present one before the first is over.
 */
export class EventLoopWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #last: EventLoopDelay | null = null;

  constructor(spanMs = 60_000) {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#last = this.#now();
      this.#histogram.reset();
    }, spanMs);
    this.#timer.unref();
  }

  read(): EventLoopDelay {
    return this.#last ?? this.#now();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #now(): EventLoopDelay {
    const { max, count } = this.#histogram;
    if (count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    // Node measures from look to look, the time between them included
    const late = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e5) / 10 - resolutionMs);
    return { p50Ms: late(this.#histogram.percentile(50)), p99Ms: late(this.#histogram.percentile(99)), maxMs: late(max) };
  }
}
