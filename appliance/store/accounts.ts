import { RefusedError } from "../base/errors.ts";
import type { Role, SignInSettings } from "../domain/user.ts";
import { addAudit } from "./audit.ts";
import type { Database } from "./database.ts";
import { removeSecondFactor } from "./second-factors.ts";
import { removeSessionsOf } from "./sessions.ts";
import { readSignInSettings, writeSignInSettings } from "./sign-in-settings.ts";
import { addUser, type Credentials, findVouched, getUser, isLastAdmin, removeUser, setPassword, setRole } from "./users.ts";

/** Who changes something, as the audit trail calls them, and when (UTC ms). */
export type By = { readonly actor: string; readonly at: number };
/** A password that the box made: to be replaced at the first sign-in, which must be before `initialUntil`. */
export type InitialPassword = { readonly passwordHash: string; readonly initialUntil: number };

const initialPasswordDays = 7;
export function initialUntil(at: number): number {
  return at + initialPasswordDays * 86_400_000;
}

// Each change and its line in the audit trail are one transaction. What takes rights away, or may be an answer to a theft, ends the user's
// sessions; those functions give the digests of the sessions that ended.

export function createAccount(database: Database, by: By, user: { name: string; role: Role } & InitialPassword): number {
  return database.transaction(() => {
    const id = addUser(database, { ...user, createdAt: by.at });
    note(database, by, "user-added", user.name, { role: user.role });
    return id;
  });
}

/**
 * The account of somebody for whom the sign-in provider vouches: made at their first sign-in, its role as the provider's groups are now, the last administrator's
 * too: the box's console makes another one. It keeps the name that it was made with.
 *
 * @param vouched with a hash that no password has, for a new account
 */
export function settleVouched(
  database: Database,
  by: By,
  { role, ...vouched }: { subject: string; name: string; role: Role; passwordHash: string },
): { id: number; name: string; ended: string[] } {
  const user = findVouched(database, vouched.subject);
  if (!user) {
    const id = addUser(database, { ...vouched, role, createdAt: by.at });
    note(database, by, "user-added", vouched.name, { role });
    return { id, name: vouched.name, ended: [] };
  }
  const { id, name } = user;
  if (user.role === role) return { id, name, ended: [] };
  setRole(database, id, role);
  note(database, by, "user-role-changed", name, { before: user.role, after: role });
  return { id, name, ended: removeSessionsOf(database, id) };
}

export function changeRole(database: Database, by: By, id: number, role: Role): string[] {
  return database.transaction(() => {
    const user = accountOf(database, id);
    if (user.role === role) return [];
    if (role !== "admin") requireOtherAdmin(database, id);
    setRole(database, id, role);
    note(database, by, "user-role-changed", user.name, { before: user.role, after: role });
    return removeSessionsOf(database, id);
  });
}

export function resetPassword(database: Database, by: By, id: number, password: InitialPassword): string[] {
  return database.transaction(() => {
    const { name, isVouched } = accountOf(database, id);
    if (isVouched) throw signsInElsewhere(name);
    setPassword(database, id, password.passwordHash, password.initialUntil);
    note(database, by, "user-password-reset", name, {});
    return removeSessionsOf(database, id);
  });
}

export function resetSecondFactor(database: Database, by: By, id: number): string[] {
  return database.transaction(() => {
    const { name } = accountOf(database, id);
    removeSecondFactor(database, id);
    note(database, by, "user-second-factor-reset", name, {});
    return removeSessionsOf(database, id);
  });
}

export function endSessions(database: Database, by: By, id: number): string[] {
  return database.transaction(() => {
    const { name } = accountOf(database, id);
    const ended = removeSessionsOf(database, id);
    note(database, by, "user-sessions-ended", name, { sessions: ended.length });
    return ended;
  });
}

export function removeAccount(database: Database, by: By, id: number): string[] {
  return database.transaction(() => {
    const { name, role } = accountOf(database, id);
    requireOtherAdmin(database, id);
    const ended = removeSessionsOf(database, id);
    removeUser(database, id);
    note(database, by, "user-removed", name, { role });
    return ended;
  });
}

export function changeSignInSettings(database: Database, { actor, at }: By, after: SignInSettings): void {
  database.transaction(() => {
    const before = readSignInSettings(database);
    writeSignInSettings(database, after);
    addAudit(database, { at, actor, action: "setting-changed", object: "setting:sign-in", detail: { before, after } });
  });
}

function accountOf(database: Database, id: number): Credentials {
  const user = getUser(database, id);
  if (!user) throw new RefusedError("not-found", "there is no such user here");
  return user;
}

function signsInElsewhere(name: string): RefusedError {
  return new RefusedError("signs-in-elsewhere", `${name} signs in with the hospital's provider; passwords are changed there`);
}

function requireOtherAdmin(database: Database, id: number): void {
  if (isLastAdmin(database, id))
    throw new RefusedError("last-admin", "this is the last administrator; make somebody else one first, or nobody can manage the users");
}

function note(database: Database, { actor, at }: By, action: string, name: string, detail: Readonly<Record<string, unknown>>): void {
  addAudit(database, { at, actor, action, object: `user:${name}`, detail });
}
