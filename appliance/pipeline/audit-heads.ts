import type { KeyObject } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { isSigned, openAuditKey, readPublicKey, signText } from "../host/audit-key.ts";
import { type AuditLink, lastLink } from "../store/audit-chain.ts";
import type { Database } from "../store/database.ts";

const everyMs = 60 * 60_000;

/** How far the audit trail went at a time (UTC epoch ms), signed with the box's key. */
export type AuditHead = AuditLink & { readonly at: number; readonly signature: string };

function textOf({ id, digest, at }: Omit<AuditHead, "signature">): string {
  return `segbox audit head ${id} ${digest} ${at}`;
}

export function isGenuine(head: AuditHead, key: KeyObject): boolean {
  return isSigned(textOf(head), head.signature, key);
}

/** The heads in a file of JSON lines, or of the service's log, whose other lines are passed over. */
export function parseHeads(text: string): AuditHead[] {
  return text.split("\n").flatMap((line) => {
    const head = parseLine(line);
    return head ? [head] : [];
  });
}

function parseLine(line: string): AuditHead | null {
  try {
    const { id, digest, at, signature } = JSON.parse(line.slice(Math.max(0, line.indexOf("{")))) as Record<string, unknown>;
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(at) || typeof digest !== "string" || typeof signature !== "string") return null;
    return { id: Number(id), digest, at: Number(at), signature };
  } catch {
    return null; // no JSON: no head
  }
}

/** The heads in a file. Refused where it holds none, or one that the box with this public key (a PEM file) did not sign. */
export async function readHeads(file: string, keyFile: string): Promise<AuditHead[]> {
  const heads = parseHeads(await readFile(file, "utf8"));
  if (heads.length === 0) throw new RefusedError("audit-head-missing", `${file} holds no signed head of an audit trail`);
  const key = await readPublicKey(keyFile);
  for (const head of heads)
    if (!isGenuine(head, key))
      throw new RefusedError("audit-head-forged", `${file}: the head of entry ${head.id} was not signed with the key of ${keyFile}`);
  return heads;
}

/**
 * Signs hourly, and at the stop, how far the audit trail goes: into a file, and into the log, which is to leave the box. Who holds a head that
 * left the box finds entries that were cut off the end later, and a chain that was made anew.
 */
export class AuditHeads {
  readonly #database: Database;
  readonly #path: string;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #last = 0;

  private constructor(database: Database, path: string, key: KeyObject, clock: Clock, log: Log) {
    this.#database = database;
    this.#path = path;
    this.#key = key;
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => void this.write(), everyMs);
  }

  static async open(database: Database, folder: DataFolder, clock: Clock, log: Log): Promise<AuditHeads> {
    return new AuditHeads(database, folder.auditHeads, await openAuditKey(folder.auditKey), clock, log);
  }

  /** That the trail went so far at this time. */
  sign({ id, digest }: AuditLink): AuditHead {
    const at = this.#clock.now();
    return { id, digest, at, signature: signText(textOf({ id, digest, at }), this.#key) };
  }

  /** Nothing where the trail has not grown since. A failure is logged: the next head says more than this one would have. */
  async write(): Promise<void> {
    try {
      const head = this.sign(lastLink(this.#database));
      if (head.id === this.#last) return;
      this.#last = head.id;
      this.#log.info("audit-head", { ...head });
      await appendFile(this.#path, `${JSON.stringify(head)}\n`, { mode: 0o600, flush: true });
    } catch (error) {
      this.#log.error("audit-head-failed", { message: messageOf(error) });
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }
}
