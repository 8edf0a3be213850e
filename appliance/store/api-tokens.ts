import { createHash, randomBytes } from "node:crypto";
import { RefusedError } from "../base/errors.ts";
import type { TokenScope } from "../domain/token-scope.ts";
import type { By } from "./accounts.ts";
import { addAudit } from "./audit.ts";
import type { Database } from "./database.ts";

/** A program that reads the interface. */
export type ApiToken = {
  readonly id: number;
  readonly name: string;
  readonly scope: TokenScope;
  /** As the audit trail calls them. */
  readonly createdBy: string;
  /** UTC ms. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number | null;
};

const columns = `id, name, scope, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"`;
/** So that a scanner for secrets knows one where somebody has left it. */
const prefix = "segbox_";
const touchEveryMs = 60_000; // a synchronised write per request would be too dear

/** The token itself is told this once: the database has its SHA-256 only. Refused when the name is taken. */
export function issueApiToken(database: Database, by: By, token: { name: string; scope: TokenScope; expiresAt: number }): string {
  const secret = prefix + randomBytes(32).toString("base64url");
  database.transaction(() => {
    const { changes } = database.run(
      "insert into api_token (name, scope, token_digest, created_by, created_at, expires_at) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
      token.name,
      token.scope,
      digestOf(secret),
      by.actor,
      by.at,
      token.expiresAt,
    );
    if (changes === 0)
      throw new RefusedError("token-exists", `a token named ${token.name} is there already; revoke it or choose another name`);
    const detail = { scope: token.scope, expiresAt: token.expiresAt };
    addAudit(database, { at: by.at, actor: by.actor, action: "token-issued", object: `token:${token.name}`, detail });
  });
  return secret;
}

/** By name; those that have run out too. */
export function listApiTokens(database: Database): ApiToken[] {
  return database.all(`select ${columns} from api_token order by name`);
}

export function revokeApiToken(database: Database, by: By, id: number): void {
  database.transaction(() => {
    const token = database.get<{ name: string }>("delete from api_token where id = ? returning name", id);
    if (!token) throw new RefusedError("not-found", "there is no such token here");
    addAudit(database, { at: by.at, actor: by.actor, action: "token-revoked", object: `token:${token.name}`, detail: {} });
  });
}

/** Undefined where it was never issued, was revoked, or has run out. */
export function findApiToken(database: Database, secret: string, now: number): ApiToken | undefined {
  if (!/^segbox_[\w-]{43}$/.test(secret)) return undefined;
  const token = database.get<ApiToken>(`select ${columns} from api_token where token_digest = ? and expires_at > ?`, digestOf(secret), now);
  if (token && Math.abs(now - (token.lastUsedAt ?? 0)) > touchEveryMs)
    database.run("update api_token set last_used_at = ? where id = ?", now, token.id);
  return token;
}

function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
