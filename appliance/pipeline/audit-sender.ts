import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { hostname } from "node:os";
import type { Duplex } from "node:stream";
import type { AuditServerState } from "../api/audit.ts";
import { backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { plainly } from "../base/system-errors.ts";
import type { SyslogSettings } from "../config/audit-settings.ts";
import { nodeLookup } from "../config/no-node.ts";
import { encodeAuditMessage } from "../dicom/audit-message.ts";
import { connectByName, tlsProfile } from "../dimse/tls.ts";
import { sendSyslog, syslogFrame } from "../host/syslog.ts";
import { type AuditLink, type ChainedEntry, chainedAfter, countChainedAfter } from "../store/audit-chain.ts";
import type { Database } from "../store/database.ts";
import { getSetting, setSetting } from "../store/settings.ts";
import type { AuditHead } from "./audit-heads.ts";
import { auditMessageOf } from "./audit-messages.ts";

export type AuditSenderOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly server: SyslogSettings;
  readonly source: { readonly id: string; readonly site: string | null };
  /** Signs how far the trail goes. */
  readonly sign: (link: AuditLink) => AuditHead;
  readonly lookEveryMs?: number;
  readonly retryDelay?: { readonly firstMs: number; readonly maxMs: number };
  readonly limitMs?: number;
};

const cursorKey = "audit-syslog";
const batchSize = 200;
/** Each batch ends with a head; what begins like this is one in the server's files. */
export const headMessageId = "segbox-audit-head";

/**
 * Sends the audit trail to a syslog server as DICOM audit messages: every entry at least once, in order. The trail itself is the spool, with a
 * cursor that moves when the server has taken a batch; a batch is a connection (see sendSyslog), and ends with a signed head, so that entries that
 * are cut off here later can be told from the server's copy.
 */
export class AuditSender {
  readonly #options: AuditSenderOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #lastSentAt: number | null = null;
  #lastError: AuditServerState["lastError"] = null;

  constructor(options: AuditSenderOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  state(): AuditServerState {
    const { host, port, protocol } = this.#options.server;
    const { entries, oldestAt } = countChainedAfter(this.#options.database, this.#cursor());
    return {
      server: `${host}:${port}`,
      isProtected: protocol === "tls",
      waiting: entries,
      oldestAt,
      lastSentAt: this.#lastSentAt,
      lastError: this.#lastError,
    };
  }

  /** What has not gone out stays in the trail, for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the service stops"));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock, lookEveryMs = 1_000, retryDelay = { firstMs: 2_000, maxMs: 5 * 60_000 } } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const isEmpty = !(await this.#sendBatch(signal));
        failures = 0;
        if (isEmpty) await clock.sleep(lookEveryMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        await clock.sleep(backoffMs(++failures, Math.random(), retryDelay), signal).catch(() => {}); // only the signal ends it early
      }
    }
  }

  /** False where there was nothing to send. */
  async #sendBatch(signal: AbortSignal): Promise<boolean> {
    const { database, clock, log, server, sign, limitMs = 30_000 } = this.#options;
    const entries = chainedAfter(database, this.#cursor(), batchSize);
    const last = entries.at(-1);
    if (!last) return false;
    const frames = [...entries.map((entry) => this.#frameOf(entry)), this.#headFrame(sign({ id: last.id, digest: last.digest }))];
    await sendSyslog(await connectTo(server), frames, { limitMs, signal });
    setSetting(database, cursorKey, { sentUpTo: last.id });
    this.#lastSentAt = clock.now();
    if (this.#lastError) log.info("audit-server-back", { entries: entries.length });
    this.#lastError = null;
    return true;
  }

  #frameOf(entry: ChainedEntry): Buffer {
    const { database, source, server } = this.#options;
    const message = auditMessageOf(entry, { database, source, patientId: server.patientId });
    return syslogFrame({ at: entry.at, hostName: hostname(), messageId: "DICOM+RFC3881", text: encodeAuditMessage(message) });
  }

  #headFrame(head: AuditHead): Buffer {
    return syslogFrame({ at: head.at, hostName: hostname(), messageId: headMessageId, text: JSON.stringify(head) });
  }

  #cursor(): number {
    return getSetting<{ sentUpTo: number }>(this.#options.database, cursorKey)?.sentUpTo ?? 0;
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    const message = plainly(error);
    if (this.#lastError?.message !== message) log.error("audit-server-away", { message });
    this.#lastError = { at: clock.now(), message };
  }
}

async function connectTo({ host, port, protocol, name = host, authorities, key, certificate }: SyslogSettings): Promise<Duplex> {
  if (protocol === "plain-tcp") return connect({ host, port, lookup: nodeLookup(host) });
  const read = async (path: string | undefined): Promise<string | undefined> => (path === undefined ? undefined : readFile(path, "utf8"));
  const [ca, ownKey, cert] = await Promise.all([read(authorities), read(key), read(certificate)]);
  const secure = { ...tlsProfile, ...(ca !== undefined && { ca }), ...(ownKey !== undefined && { key: ownKey, cert: cert! }) };
  return connectByName({ host, port, name }, secure);
}
