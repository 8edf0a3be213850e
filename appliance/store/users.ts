import { RefusedError } from "../base/errors.ts";
import type { Role, User } from "../domain/user.ts";
import type { Database } from "./database.ts";

/** Refused when the name is taken, whatever its case. */
export function addUser(database: Database, user: { name: string; role: Role; passwordHash: string; createdAt: number }): void {
  const { changes } = database.run(
    "insert into user (name, role, password_hash, created_at) values (?, ?, ?, ?) on conflict do nothing",
    user.name,
    user.role,
    user.passwordHash,
    user.createdAt,
  );
  if (changes === 0) throw new RefusedError("user-exists", `a user named ${user.name} is there already; choose another name`);
}

export function findUser(database: Database, name: string): (User & { passwordHash: string }) | undefined {
  return database.get('select id, name, role, password_hash as "passwordHash" from user where name = ?', name);
}

export function countUsers(database: Database): number {
  return database.get<{ n: number }>("select count(*) as n from user")!.n;
}

export function addSession(database: Database, session: { tokenDigest: string; userId: number; at: number }): void {
  database.run(
    "insert into session (token_digest, user_id, created_at, last_seen_at) values (?, ?, ?, ?)",
    session.tokenDigest,
    session.userId,
    session.at,
    session.at,
  );
}

export type Session = { readonly user: User; readonly createdAt: number; readonly lastSeenAt: number };

export function findSession(database: Database, tokenDigest: string): Session | undefined {
  const row = database.get<{ id: number; name: string; role: Role; created_at: number; last_seen_at: number }>(
    "select user.id, user.name, user.role, session.created_at, session.last_seen_at from session join user on user.id = user_id where token_digest = ?",
    tokenDigest,
  );
  return row && { user: { id: row.id, name: row.name, role: row.role }, createdAt: row.created_at, lastSeenAt: row.last_seen_at };
}

export function touchSession(database: Database, tokenDigest: string, at: number): void {
  database.run("update session set last_seen_at = ? where token_digest = ?", at, tokenDigest);
}

export function removeSession(database: Database, tokenDigest: string): void {
  database.run("delete from session where token_digest = ?", tokenDigest);
}

/** Ends every session begun before `createdBefore` or last seen before `seenBefore`. */
export function removeStaleSessions(database: Database, limits: { createdBefore: number; seenBefore: number }): void {
  database.run("delete from session where created_at < ? or last_seen_at < ?", limits.createdBefore, limits.seenBefore);
}
