import { createHash, randomBytes } from "node:crypto";
import type { AeTitle } from "../domain/ids.ts";
import type { Database } from "./database.ts";

/** Who a token stands for. */
export type TokenOwner = { readonly name: string; readonly aeTitle: AeTitle };

/** A new token of a node, in place of the one that it had. It is not kept: the database has its SHA-256 only. */
export function issueNodeToken(database: Database, nodeName: string, at: number): string {
  const token = randomBytes(32).toString("base64url");
  database.run(
    `insert into node_token (node_name, token_digest, created_at) values (?, ?, ?)
     on conflict (node_name) do update set token_digest = excluded.token_digest, created_at = excluded.created_at, last_used_at = null`,
    nodeName,
    digestOf(token),
    at,
  );
  return token;
}

/** False where it had none. */
export function revokeNodeToken(database: Database, nodeName: string): boolean {
  return database.run("delete from node_token where node_name = ?", nodeName).changes > 0;
}

const touchEveryMs = 60_000; // a synchronised write per request would be too dear

/** The node that a token was issued for; undefined where it was not, or the node is no more. */
export function findTokenOwner(database: Database, token: string, now: number): TokenOwner | undefined {
  if (!/^[\w-]{43}$/.test(token)) return undefined;
  const row = database.get<TokenOwner & { lastUsedAt: number | null }>(
    `select name, ae_title as "aeTitle", last_used_at as "lastUsedAt" from node_token join remote_node on name = node_name where token_digest = ?`,
    digestOf(token),
  );
  if (!row) return undefined;
  if (Math.abs(now - (row.lastUsedAt ?? 0)) > touchEveryMs)
    database.run("update node_token set last_used_at = ? where node_name = ?", now, row.name);
  return { name: row.name, aeTitle: row.aeTitle };
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
