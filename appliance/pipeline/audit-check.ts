import { existsSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { verifyAuditInSteps } from "../store/audit-chain.ts";
import type { Database } from "../store/database.ts";
import { readHeads } from "./audit-heads.ts";

/** What the last check of the audit trail has found, and when (UTC ms). */
export type AuditChecked = {
  readonly at: number;
  /** Whole from the first on. */
  readonly entries: number;
  readonly broken: { readonly id: number; readonly reason: string } | null;
};

/** Checks the audit trail against its chain and against the heads in the data folder, beside whatever else the service does. */
export class AuditCheck {
  readonly #options: { readonly database: Database; readonly folder: DataFolder; readonly clock: Clock; readonly log: Log };
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  /** Null until the first check has ended. */
  checked: AuditChecked | null = null;

  constructor(options: { readonly database: Database; readonly folder: DataFolder; readonly clock: Clock; readonly log: Log }) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** One at a time: who asks while a check runs gets that one's end. What it finds stands in `checked`. */
  verify(): Promise<void> {
    this.#running ??= this.#verify().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the service stops"));
    await this.#running?.catch(() => {}); // told to whoever asked for it
  }

  async #verify(): Promise<void> {
    const { database, folder, clock, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      const heads = existsSync(folder.auditHeads) ? await readHeads(folder.auditHeads, `${folder.auditKey}.pub`) : [];
      const { entries, broken } = await verifyAuditInSteps(database, heads, signal);
      this.checked = { at: clock.now(), entries, broken };
      if (broken) log.error("audit-broken", { entry: broken.id, reason: broken.reason });
    } catch (error) {
      if (!signal.aborted) log.error("audit-not-checked", { message: messageOf(error) });
      throw error;
    }
  }
}
