import { RefusedError } from "../base/errors.ts";
import type { Role, User } from "../domain/user.ts";
import type { Database } from "./database.ts";

/** What signing in needs to know of a user. */
export type Credentials = User & {
  readonly passwordHash: string;
  /** Until when a password that the box made is taken, UTC ms; null where the user chose it. */
  readonly initialUntil: number | null;
  readonly hasSecondFactor: boolean;
  /** Signs in with the hospital's provider: has no password here. */
  readonly isVouched: boolean;
};

/** A line of the list of users. */
export type UserAccount = User & {
  readonly createdAt: number;
  readonly initialUntil: number | null;
  readonly hasSecondFactor: boolean;
  readonly isVouched: boolean;
};

type Row = {
  id: number;
  name: string;
  role: Role;
  created_at: number;
  password_hash: string;
  initial_until: number | null;
  totp_since: number | null;
  provider_subject: string | null;
};

/** Refused when the name is taken, whatever its case. Gives the new user's id. */
export function addUser(
  database: Database,
  user: { name: string; role: Role; passwordHash: string; createdAt: number; initialUntil?: number; subject?: string },
): number {
  const { changes, id } = database.run(
    "insert into user (name, role, password_hash, created_at, initial_until, provider_subject) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    user.name,
    user.role,
    user.passwordHash,
    user.createdAt,
    user.initialUntil ?? null,
    user.subject ?? null,
  );
  if (changes === 0) throw new RefusedError("user-exists", `a user named ${user.name} is there already; choose another name`);
  return id;
}

export function findUser(database: Database, name: string): Credentials | undefined {
  return credentialsOf(database.get<Row>("select * from user where name = ?", name));
}

export function getUser(database: Database, id: number): Credentials | undefined {
  return credentialsOf(database.get<Row>("select * from user where id = ?", id));
}

/** The account of somebody for whom the sign-in provider vouches. */
export function findVouched(database: Database, subject: string): Credentials | undefined {
  return credentialsOf(database.get<Row>("select * from user where provider_subject = ?", subject));
}

function credentialsOf(row: Row | undefined): Credentials | undefined {
  return (
    row && {
      id: row.id,
      name: row.name,
      role: row.role,
      passwordHash: row.password_hash,
      initialUntil: row.initial_until,
      hasSecondFactor: row.totp_since !== null,
      isVouched: row.provider_subject !== null,
    }
  );
}

/** By name. */
export function listUsers(database: Database): UserAccount[] {
  return database.all<Row>("select * from user order by name").map((row) => ({
    id: row.id,
    name: row.name,
    role: row.role,
    createdAt: row.created_at,
    initialUntil: row.initial_until,
    hasSecondFactor: row.totp_since !== null,
    isVouched: row.provider_subject !== null,
  }));
}

export function countUsers(database: Database): number {
  return database.get<{ n: number }>("select count(*) as n from user")!.n;
}

/** Whether this is the only administrator. */
export function isLastAdmin(database: Database, id: number): boolean {
  const admins = database.all<{ id: number }>("select id from user where role = 'admin'");
  return admins.length === 1 && admins[0]!.id === id;
}

/** @param initialUntil as in {@link Credentials} */
export function setPassword(database: Database, id: number, passwordHash: string, initialUntil: number | null): void {
  database.run("update user set password_hash = ?, initial_until = ? where id = ?", passwordHash, initialUntil, id);
}

export function setRole(database: Database, id: number, role: Role): void {
  database.run("update user set role = ? where id = ?", role, id);
}

/** With the user go their sessions and recovery codes. */
export function removeUser(database: Database, id: number): void {
  database.run("delete from user where id = ?", id);
}
