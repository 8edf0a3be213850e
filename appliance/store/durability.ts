import { fdatasync, fsync } from "node:fs";
import { promisify } from "node:util";
import { UnavailableError } from "../base/errors.ts";

const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);

/** A full disk is said at once and mends itself; what was to be synchronised is thrown away by its writer. */
const passing = ["ENOSPC", "EDQUOT"];

/**
 * Every fsync of what senders are told is safe, and what follows when one fails: the kernel may have dropped the pages and marked them clean,
 * so that a second fsync would succeed without the data being anywhere. From then on nothing is acknowledged until the service is started
 * again and reads what is really there.
 */
export class Durability {
  readonly #lostNow: (error: UnavailableError) => void;
  #lost: UnavailableError | null = null;

  readonly #isOff: boolean;

  /**
   * @param lostNow told once
   * @param isOff nothing is synchronised: for measurements only
   */
  constructor(lostNow: (error: UnavailableError) => void = () => {}, isOff = false) {
    this.#lostNow = lostNow;
    this.#isOff = isOff;
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** UnavailableError `storage-failed` once an fsync has failed. */
  require(): void {
    if (this.#lost) throw this.#lost;
  }

  /** fdatasync: the content of a file, and as much of its inode as is needed to read it. */
  syncContent(fd: number): Promise<void> {
    return this.#trusted(() => syncData(fd));
  }

  /** fsync of a folder: the names in it. */
  syncNames(fd: number): Promise<void> {
    return this.#trusted(() => syncAll(fd));
  }

  async #trusted(sync: () => Promise<void>): Promise<void> {
    this.require();
    if (this.#isOff) return;
    try {
      await sync();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (passing.includes(code)) throw error;
      throw this.lose(`${code} on fsync`, error);
    }
    this.require(); // another one failed meanwhile: who knows what this one was worth
  }

  /** Notes that something could not be kept. The error to throw. */
  lose(what: string, cause: unknown): UnavailableError {
    if (!this.#lost) {
      this.#lost = new UnavailableError(
        "storage-failed",
        `storage failed (${what}); nothing is taken until the disk is checked and the service started again`,
        { cause },
      );
      this.#lostNow(this.#lost);
    }
    return this.#lost;
  }
}
