import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { RefusedAssociation } from "../dimse/scp.ts";
import type { Database } from "../store/database.ts";
import { addRefusals, type Refusal } from "../store/refused-callers.ts";

/** Kept between two writes; a caller beyond that is counted when there is room again. */
const mostPending = 200;
const writeEveryMs = 2_000;

/**
 * Counts who was turned away at the DICOM port. Written together every two seconds at most, so that whoever knocks a thousand times a second
 * costs one commit and not a thousand.
 */
export class RefusedCallers {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #pending = new Map<string, Refusal & { count: number; at: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  note({ callingAeTitle, calledAeTitle, remoteAddress, reason, detail = "" }: RefusedAssociation): void {
    const refusal = { callingAeTitle: callingAeTitle.trim(), calledAeTitle: calledAeTitle.trim(), address: remoteAddress, reason, detail };
    const key = JSON.stringify(refusal);
    const known = this.#pending.get(key);
    if (known) {
      known.count++;
      known.at = this.#clock.now();
    } else if (this.#pending.size < mostPending) this.#pending.set(key, { ...refusal, count: 1, at: this.#clock.now() });
    this.#timer ??= setTimeout(() => this.write(), writeEveryMs);
  }

  /** Writes what is not written yet. A database that is away costs the counts and nothing else. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const refusals = [...this.#pending.values()];
    this.#pending = new Map();
    if (refusals.length === 0) return;
    try {
      addRefusals(this.#database, refusals);
    } catch (error) {
      this.#log.warn("refusals-not-counted", { message: messageOf(error) });
    }
  }
}
