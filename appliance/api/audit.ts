import * as z from "zod/mini";

const text = z.string().check(z.minLength(1), z.maxLength(200));
const time = z.coerce.number().check(z.int(), z.gte(0));

/** What of the audit trail is asked for, as parameters of the address. Times are UTC ms, `until` exclusive; `before`: entries with a smaller number. */
export const auditQuery = z.strictObject({
  from: z.optional(time),
  until: z.optional(time),
  /** `user:NAME`, `node:NAME`, `ae:TITLE`, `console`, `system`. */
  actor: z.optional(text),
  action: z.optional(text),
  /** Study Instance UID. */
  study: z.optional(text),
  before: z.optional(time),
});
export type AuditQuery = z.infer<typeof auditQuery>;

export type AuditLine = {
  readonly id: number;
  /** UTC ms. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** What chains it to the one before. */
  readonly digest: string | null;
};

/** Newest first. `older`: what to ask for as `before` to see more; null at the end. */
export type AuditPage = { readonly entries: readonly AuditLine[]; readonly older: number | null };

/** How it stands with the audit server. Times are UTC ms. */
export type AuditServerState = {
  readonly server: string;
  readonly isProtected: boolean;
  /** Entries that it has not taken. */
  readonly waiting: number;
  readonly oldestAt: number | null;
  readonly lastSentAt: number | null;
  /** Why the last try failed; null after one that did not. */
  readonly lastError: { readonly at: number; readonly message: string } | null;
};

export type AuditState = {
  readonly isChecking: boolean;
  /** What the last check has found; null before the first has ended. */
  readonly checked: {
    readonly at: number;
    readonly entries: number;
    readonly broken: { readonly id: number; readonly reason: string } | null;
  } | null;
  /** How it stands with the syslog server; null where the site names none. */
  readonly syslog: AuditServerState | null;
  /** Kinds of entries that there can be. */
  readonly actions: readonly string[];
};
