import { close, closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { UnavailableError } from "../base/errors.ts";
import type { Database } from "./database.ts";
import type { Durability } from "./durability.ts";

type Waiting = {
  /** Runs inside a transaction; gives what is to be done when that is committed. */
  readonly run: () => () => void;
  readonly durable: () => void;
  readonly failed: (error: unknown) => void;
};

/**
 * Commits that are durable before the caller goes on, without the event loop waiting for the disk: a transaction goes to the write-ahead log, and
 * the log is synchronised by a descriptor of our own in the thread pool. Who comes while a sync runs shares the next transaction and the next
 * sync with the others that have; who is alone waits for nobody. The descriptor is on the log alone: SQLite's POSIX locks are on other files,
 * so closing it drops none of them.
 */
export class GroupCommit {
  readonly #database: Database;
  readonly #durability: Durability;
  readonly #fd: number;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** @param path of the database, which is open in WAL mode; its log is there for as long as it is open */
  constructor(database: Database, path: string, durability: Durability) {
    this.#database = database;
    this.#durability = durability;
    this.#fd = openSync(`${path}-wal`, "r");
    // SQLite makes the log's name durable at its own first sync of it, which may come after ours
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
  }

  /**
   * Resolves with what `body` gave when its changes are durable. It runs in a transaction, at once or a little later, and once more by itself where
   * another one of its group failed. UnavailableError `storage-failed` when it never will be durable.
   *
   * @param committed told what `body` gave as soon as others can see it
   */
  commit<T>(body: () => T, committed: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let value: T;
      const run = (): (() => void) => {
        value = body();
        return () => committed(value);
      };
      this.#waiting.push({ run, durable: () => resolve(value), failed: reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const written = this.#write(group);
      if (written.length === 0) continue;
      try {
        await this.#durability.syncContent(this.#fd);
        for (const { durable } of written) durable();
      } catch (error) {
        // Whatever it was: the transactions stay committed, and pages that the kernel dropped would not be written by the next sync
        const lost = this.#durability.lose("sync of the database's log", error);
        for (const { failed } of written) failed(lost);
      }
    }
    this.#isRunning = false;
  }

  /** One transaction for all; where it fails for one of them, one for each, so that this one fails alone. Those that are committed. */
  #write(group: readonly Waiting[]): readonly Waiting[] {
    let committed: (() => void)[];
    try {
      committed = this.#database.transactionUnsynced(() => group.map(({ run }) => run()));
    } catch (error) {
      // A database that is away is so for all of them, and to find out may take a second each time
      const isAway = error instanceof UnavailableError && error.code === "database-unavailable";
      if (group.length > 1 && !isAway) return group.flatMap((one) => this.#write([one]));
      for (const { failed } of group) failed(error);
      return [];
    }
    for (const tell of committed) tell();
    return group;
  }

  /** After the last `commit` has settled. */
  close(): void {
    close(this.#fd, () => {}); // nothing was written through it
  }
}
