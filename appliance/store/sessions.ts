import type { Role, User } from "../domain/user.ts";
import type { Database } from "./database.ts";

export type NewSession = {
  /** SHA-256 of the cookie's value, hex. */
  readonly tokenDigest: string;
  readonly userId: number;
  readonly address: string;
  readonly gaveSecondFactor: boolean;
  /** UTC ms. A session that takes the place of another one keeps the beginning of that. */
  readonly createdAt: number;
  readonly lastSeenAt: number;
};

export type Session = {
  readonly user: User;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly address: string;
  readonly gaveSecondFactor: boolean;
  readonly hasSecondFactor: boolean;
  readonly hasInitialPassword: boolean;
};

export function addSession(database: Database, session: NewSession): void {
  database.run(
    "insert into session (token_digest, user_id, created_at, last_seen_at, address, second_factor) values (?, ?, ?, ?, ?, ?)",
    session.tokenDigest,
    session.userId,
    session.createdAt,
    session.lastSeenAt,
    session.address,
    session.gaveSecondFactor ? 1 : 0,
  );
}

export function findSession(database: Database, tokenDigest: string): Session | undefined {
  const row = database.get<{
    id: number;
    name: string;
    role: Role;
    initial_until: number | null;
    totp_since: number | null;
    created_at: number;
    last_seen_at: number;
    address: string;
    second_factor: number;
  }>(
    `select user.id, user.name, user.role, user.initial_until, user.totp_since,
       session.created_at, session.last_seen_at, session.address, session.second_factor
     from session join user on user.id = user_id where token_digest = ?`,
    tokenDigest,
  );
  return (
    row && {
      user: { id: row.id, name: row.name, role: row.role },
      createdAt: row.created_at,
      lastSeenAt: row.last_seen_at,
      address: row.address,
      gaveSecondFactor: row.second_factor === 1,
      hasSecondFactor: row.totp_since !== null,
      hasInitialPassword: row.initial_until !== null,
    }
  );
}

export type SessionOfUser = {
  readonly tokenDigest: string;
  readonly address: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
};

/** Sessions that have not run out, the one that was used last first. */
export function listSessions(database: Database, userId: number, limits: SessionLimits): SessionOfUser[] {
  return database.all(
    `select token_digest as "tokenDigest", address, created_at as "createdAt", last_seen_at as "lastSeenAt" from session
     where user_id = ? and created_at >= ? and last_seen_at >= ? order by last_seen_at desc, token_digest`,
    userId,
    limits.createdBefore,
    limits.seenBefore,
  );
}

export function touchSession(database: Database, tokenDigest: string, at: number, address: string): void {
  database.run("update session set last_seen_at = ?, address = ? where token_digest = ?", at, address, tokenDigest);
}

export function removeSession(database: Database, tokenDigest: string): void {
  database.run("delete from session where token_digest = ?", tokenDigest);
}

/** Ends a user's sessions, all or all but one; the digests of those that ended. */
export function removeSessionsOf(database: Database, userId: number, except = ""): string[] {
  return database
    .all<{ token_digest: string }>("delete from session where user_id = ? and token_digest <> ? returning token_digest", userId, except)
    .map((row) => row.token_digest);
}

/** A session is over that began before `createdBefore` or was last seen before `seenBefore`, UTC ms. */
export type SessionLimits = { readonly createdBefore: number; readonly seenBefore: number };

export function removeStaleSessions(database: Database, { createdBefore, seenBefore }: SessionLimits): void {
  database.run("delete from session where created_at < ? or last_seen_at < ?", createdBefore, seenBefore);
}
