import { close, closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Durability } from "./durability.ts";

/**
 * Makes commits of the database durable outside of the event loop: `Database.transactionUnsynced` leaves a commit in the write-ahead log, and
 * `synced` resolves when the log is on disk. Whoever asks while a sync runs shares the next one; who is alone waits for nobody. The descriptor
 * is ours and on the log alone: SQLite's POSIX locks are on other files, so closing it drops none of them.
 */
export class LogSync {
  readonly #durability: Durability;
  readonly #fd: number;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param databasePath of an open database in WAL mode; its log is there for as long as it is open */
  constructor(databasePath: string, durability: Durability) {
    this.#durability = durability;
    this.#fd = openSync(`${databasePath}-wal`, "r");
    // SQLite makes the log's name durable at its own first sync of it, which may come after ours
    const folder = openSync(dirname(databasePath), "r");
    fsyncSync(folder);
    closeSync(folder);
  }

  /** Resolves when everything committed before the call is durable. UnavailableError `storage-failed` when it never will be. */
  synced(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.catch(() => {}).then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = null;
    const running = this.#durability.syncContent(this.#fd).finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  /** After the last `synced` has settled. */
  close(): void {
    close(this.#fd, () => {}); // nothing was written through it
  }
}
