import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileCheck as Found } from "../api/storage.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { addAudit } from "../store/audit.ts";
import { countMissing, type FileRow, listFileRows, listResultFiles, setFound, setMissing } from "../store/file-rows.ts";
import { namesIn } from "../store/if-there.ts";
import { moveAside } from "../store/objects.ts";
import { isToBeRemoved } from "../store/removals.ts";
import { adoptFile, digestOfFile } from "./adopt-file.ts";
import { outputForms } from "./outputs.ts";
import type { ReceiveOptions } from "./receive.ts";

export type CheckFilesOptions = Pick<
  ReceiveOptions,
  "database" | "objects" | "commits" | "changes" | "clock" | "log" | "quietMs" | "forceMs" | "wake" | "space"
> & {
  readonly folder: Pick<DataFolder, "objects" | "results" | "result" | "quarantine">;
  /** Ours, which senders call. */
  readonly aeTitle: string;
};

const rowsAtOnce = 1_000;
const statsAtOnce = 8;

/**
 * Compares what is on disk with what the database says is there, at the start. Repairs what can be repaired, moves aside what can't, and deletes nothing:
 *
 * - A file without a row (a crash between the two, a database from a backup): noted as the image that it is, where it is what its name says; else
 *   moved into `quarantine/`. Its sender never heard Success, or the backup is older: either way nothing is lost by having it.
 * - A row without a file, or with a damaged one, which is moved aside: its series says so, and the same image again mends it.
 * - A result's folder without a row: moved aside. A result without its files: said.
 */
export class CheckFiles {
  readonly #options: CheckFilesOptions;
  readonly #strays: readonly string[];
  readonly #files: number;
  readonly #lastRow: number;
  #found: Found | null = null;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: CheckFilesOptions, survey: { strays: readonly string[]; files: number; lastRow: number }) {
    this.#options = options;
    this.#strays = survey.strays;
    this.#files = survey.files;
    this.#lastRow = survey.lastRow;
  }

  /** Compares names. Before anything is received: else a file that has no row yet would pass for a stray. */
  static async survey(options: CheckFilesOptions): Promise<CheckFiles> {
    const { database, objects, clock } = options;
    const names = new Set(await objects.listDigests());
    const files = names.size;
    let lastRow = 0;
    for (;;) {
      const rows = listFileRows(database, lastRow, rowsAtOnce);
      database.transaction(() => {
        for (const { id, digest, sizeBytes, isMissing } of rows)
          if (!names.delete(digest)) setMissing(database, id, clock.now());
          else if (isMissing) setFound(database, id, sizeBytes); // whether it is the right one is looked at below
      });
      lastRow = rows.at(-1)?.id ?? lastRow;
      if (rows.length < rowsAtOnce) break;
    }
    const strays = [...names].filter((name) => !isToBeRemoved(database, { kind: "object", name }));
    return new CheckFiles(options, { strays, files, lastRow });
  }

  /** Null until it has ended. */
  get found(): Found | null {
    return this.#found;
  }

  /** The rest, beside the service's work. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => this.#options.log.error("files-not-checked", { message: messageOf(error) }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { database, clock, log } = this.#options;
    const damaged = await this.#checkSizes();
    const { adopted, setAside } = await this.#takeStrays();
    const folders = await this.#takeStrayFolders();
    const damagedResults = await this.#checkResults();
    if (this.#isStopped) return;
    const missing = countMissing(database);
    const quarantined = damaged + setAside + folders;
    const counts = { files: this.#files, adopted, quarantined, missing: missing.reduce((sum, { images }) => sum + images, 0) };
    const isClean = quarantined + adopted + missing.length + damagedResults.length === 0;
    this.#found = { checkedAt: clock.now(), ...counts, missing, damagedResults };
    if (isClean) return log.info("files-checked", counts);
    const detail = { ...counts, damagedResults: damagedResults.map(({ resultId }) => resultId) };
    addAudit(database, { at: clock.now(), actor: "system", action: "files-checked", object: "storage", detail });
    log.error("files-checked", { ...counts, damagedResults: damagedResults.length, remedy: "see the storage page" });
  }

  /** Files of another size than was received. How many were moved aside. */
  async #checkSizes(): Promise<number> {
    const { database } = this.#options;
    let damaged = 0;
    for (let after = 0; !this.#isStopped && after < this.#lastRow; ) {
      const rows = listFileRows(database, after, rowsAtOnce);
      for (let at = 0; at < rows.length && !this.#isStopped; at += statsAtOnce)
        for (const isDamaged of await Promise.all(rows.slice(at, at + statsAtOnce).map((row) => this.#checkSize(row))))
          if (isDamaged) damaged++;
      after = rows.at(-1)?.id ?? this.#lastRow;
      await nextTurn();
    }
    return damaged;
  }

  async #checkSize({ id, seriesId, digest, sizeBytes, isMissing }: FileRow): Promise<boolean> {
    const { database, objects, folder, clock, changes } = this.#options;
    if (isMissing) return false;
    const size = await stat(objects.path(digest)).then(
      (found) => found.size,
      () => null, // deleted meanwhile; what is lost was found by name
    );
    if (size === null || size === sizeBytes) return false;
    if ((await digestOfFile(objects.path(digest)).catch(() => null)) === digest) {
      setFound(database, id, size); // another head, as another sender's
      return false;
    }
    if (!setMissing(database, id, clock.now())) return false; // it has just been deleted, with its series
    await objects.setAside(digest, join(folder.quarantine, "objects"));
    changes.seriesChanged(seriesId);
    return true;
  }

  async #takeStrays(): Promise<{ adopted: number; setAside: number }> {
    const { database, objects, folder, aeTitle, log } = this.#options;
    let [adopted, setAside] = [0, 0];
    for (const digest of this.#strays) {
      if (this.#isStopped) break;
      try {
        if (await adoptFile(digest, aeTitle, { ...this.#options, onSeries: () => {} })) adopted++;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        if (isToBeRemoved(database, { kind: "object", name: digest })) continue;
        log.warn("stray-file", { code: error.code, message: error.message });
        await objects.setAside(digest, join(folder.quarantine, "objects"));
        setAside++;
      }
    }
    if (adopted > 0) this.#options.wake();
    return { adopted, setAside };
  }

  async #takeStrayFolders(): Promise<number> {
    const { database, folder, clock } = this.#options;
    let moved = 0;
    for (const name of await namesIn(folder.results)) {
      if (!/^[1-9]\d{0,14}$/.test(name) || this.#isStopped) continue;
      if (database.get("select 1 from result where id = ?", Number(name)) || isToBeRemoved(database, { kind: "result", name })) continue;
      await moveAside(join(folder.results, name), join(folder.quarantine, "results"), `${name}-${clock.now()}`);
      moved++;
    }
    return moved;
  }

  /** Finished results of which a file is not there. One that is not finished is made anew anyway. */
  async #checkResults(): Promise<Found["damagedResults"]> {
    const { database, folder } = this.#options;
    const damaged: Found["damagedResults"][number][] = [];
    for (const { id, seriesId, state, written } of listResultFiles(database)) {
      if (this.#isStopped || state !== "ready") continue;
      const files: string[] = [];
      for (const output of written) {
        const { file } = outputForms[output];
        const isThere = await access(join(folder.result(id), file)).then(
          () => true,
          () => false,
        );
        if (!isThere && database.get("select 1 from result where id = ?", id)) files.push(file);
      }
      if (files.length > 0) damaged.push({ resultId: id, seriesId, files });
    }
    return damaged;
  }
}
