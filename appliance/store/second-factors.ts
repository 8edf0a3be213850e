import type { Database } from "./database.ts";

export type SecondFactor = {
  /** Sealed; see host/sealing.ts. */
  readonly sealedSecret: string;
  /** When it was taken into use, UTC ms; null while no code of it was given. */
  readonly since: number | null;
  /** Time step of the code that was used last, or -1. */
  readonly lastStep: number;
};

export function findSecondFactor(database: Database, userId: number): SecondFactor | undefined {
  const row = database.get<{ secret: string | null; since: number | null; step: number | null }>(
    "select totp_secret as secret, totp_since as since, totp_last_step as step from user where id = ?",
    userId,
  );
  return row?.secret ? { sealedSecret: row.secret, since: row.since, lastStep: row.step ?? -1 } : undefined;
}

/** A new secret, not in use before its first code. */
export function proposeSecondFactor(database: Database, userId: number, sealedSecret: string): void {
  database.run("update user set totp_secret = ?, totp_since = null, totp_last_step = null where id = ?", sealedSecret, userId);
}

/** False where a code of this step or a later one was used already: none counts twice. */
export function useStep(database: Database, userId: number, step: number): boolean {
  return (
    database.run("update user set totp_last_step = ? where id = ? and coalesce(totp_last_step, -1) < ?", step, userId, step).changes > 0
  );
}

export function confirmSecondFactor(database: Database, userId: number, at: number): void {
  database.run("update user set totp_since = ? where id = ?", at, userId);
}

/** With its recovery codes. */
export function removeSecondFactor(database: Database, userId: number): void {
  database.run("update user set totp_secret = null, totp_since = null, totp_last_step = null where id = ?", userId);
  database.run("delete from recovery_code where user_id = ?", userId);
}

/** In place of those that there were. */
export function replaceRecoveryCodes(database: Database, userId: number, hashes: readonly string[]): void {
  database.run("delete from recovery_code where user_id = ?", userId);
  for (const hash of hashes) database.run("insert into recovery_code (user_id, code_hash) values (?, ?)", userId, hash);
}

export function listRecoveryCodes(database: Database, userId: number): string[] {
  return database.all<{ code_hash: string }>("select code_hash from recovery_code where user_id = ?", userId).map((row) => row.code_hash);
}

/** False where it was used already. */
export function useRecoveryCode(database: Database, userId: number, hash: string): boolean {
  return database.run("delete from recovery_code where user_id = ? and code_hash = ?", userId, hash).changes > 0;
}
