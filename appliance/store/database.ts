import { existsSync, globSync, readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import Sqlite from "better-sqlite3";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { faultsOfDatabase, isDamage } from "./check-database.ts";

const migrationsFolder = join(import.meta.dirname, "migrations");

/** SQLite's result codes for what is wrong with the machine, not with the statement. */
const passing = /^SQLITE_(FULL|BUSY|LOCKED|IOERR|READONLY|CANTOPEN|NOMEM)/;

type Migration = { readonly id: string; readonly sql: string; readonly breaking: boolean };

/** The SQLite file of the appliance. Synchronous: better-sqlite3's calls return when SQLite is done; a commit is on disk then. */
export class Database {
  readonly sql: Sqlite.Database;
  #dataVersion: number | undefined;
  #damage: UnavailableError | undefined;
  #onDamage: (message: string) => void = () => {};
  readonly #statements = new Map<string, Sqlite.Statement>();
  /** Made once: better-sqlite3 takes longer to make one than to run it. */
  readonly #transaction: Sqlite.Transaction<(body: () => unknown) => unknown>;

  /** Opens without migrating; see {@link openDatabase}. */
  constructor(path: string) {
    this.sql = new Sqlite(path);
    this.#transaction = this.sql.transaction((body: () => unknown) => body());
    try {
      this.sql.pragma("journal_mode = wal"); // the first look at the file
    } catch (error) {
      this.sql.close();
      if (error instanceof Sqlite.SqliteError && isDamage(error.code)) throw damagedDatabase(path, [error.message]);
      throw error;
    }
    this.sql.pragma("foreign_keys = on");
    this.sql.pragma("secure_delete = on"); // what is deleted is overwritten: a patient's name must not be read from free pages
    this.sql.pragma("recursive_triggers = on"); // else "insert or replace" would pass by the triggers that keep the audit trail append-only
    this.sql.pragma("synchronous = full"); // a commit must survive a power cut: a sender has heard Success on the strength of it
    this.sql.pragma("busy_timeout = 1000"); // others are short-lived commands; meanwhile this process, the DICOM node included, stands still
  }

  /**
   * Called once, when SQLite finds that the file is not what it has written. From then on nothing is read or written any more: every use of it is
   * an UnavailableError, so that nothing is acknowledged, made or sent on the strength of a damaged database.
   */
  onDamage(called: (message: string) => void): void {
    this.#onDamage = called;
  }

  /**
   * All or nothing. Nested calls join the outer one. UnavailableError when the disk is full or away, or another process held the write lock
   * for too long: nothing was changed then, and a later try may succeed.
   */
  transaction<T>(body: () => T): T {
    return this.#use(() => this.#transaction.immediate(body) as T);
  }

  /**
   * As `transaction`, but what it did survives a power cut only when the log was synchronised afterwards (GroupCommit), or when a later
   * transaction has: the log is one file. Not within another.
   */
  transactionUnsynced<T>(body: () => T): T {
    this.sql.exec("pragma synchronous = normal"); // in WAL mode: no fsync at commit, and checkpoints stay safe
    try {
      return this.transaction(body);
    } finally {
      this.sql.exec("pragma synchronous = full");
    }
  }

  /** Reads one state of the database, whatever others write meanwhile; holds nobody up. */
  snapshot<T>(body: () => T): T {
    return this.#use(() => this.#transaction.deferred(body) as T);
  }

  all<Row>(text: string, ...values: unknown[]): Row[] {
    return this.#use(() => this.#prepare(text).all(...values) as Row[]);
  }

  get<Row>(text: string, ...values: unknown[]): Row | undefined {
    return this.#use(() => {
      const statement = this.#prepare(text);
      const first = (): Row | undefined => statement.get(...values) as Row | undefined;
      // better-sqlite3 looks at the first row only, so that what writes (`returning`) would be committed after it, and nobody told that it failed
      return statement.readonly || this.sql.inTransaction ? first() : this.transaction(first);
    });
  }

  /** How many rows changed, and the id of the row last inserted. */
  run(text: string, ...values: unknown[]): { changes: number; id: number } {
    const { changes, lastInsertRowid } = this.#use(() => this.#prepare(text).run(...values));
    return { changes, id: Number(lastInsertRowid) };
  }

  /** Whether another process has changed anything since the last look; the first look says no. */
  changedElsewhere(): boolean {
    const version = this.sql.pragma("data_version", { simple: true }) as number;
    const isOther = this.#dataVersion !== undefined && version !== this.#dataVersion;
    this.#dataVersion = version;
    return isOther;
  }

  /**
   * Writes the database anew without what was ever deleted from it, and empties the write-ahead log. Everything else stands still meanwhile. False where
   * another process was reading the log, so that it still holds what it held.
   */
  rewrite(): boolean {
    unlessAway(() => this.sql.exec("vacuum"));
    const [outcome] = this.sql.pragma("wal_checkpoint(truncate)") as { busy: number }[];
    return outcome?.busy === 0;
  }

  /** Brings the query planner's statistics up to date and the write-ahead log back to nothing. */
  optimize(): void {
    this.sql.pragma("optimize");
    this.sql.pragma("wal_checkpoint(truncate)");
  }

  /** Copies one state of the database into a new file, whatever others write meanwhile. Holds up this process only; needs as much space again. */
  copyTo(path: string): void {
    this.#use(() => this.sql.prepare("vacuum into ?").run(path));
  }

  close(): void {
    this.sql.close();
  }

  #use<T>(access: () => T): T {
    if (this.#damage) throw this.#damage;
    try {
      return unlessAway(access);
    } catch (error) {
      if (!(error instanceof Sqlite.SqliteError) || !isDamage(error.code)) throw error;
      this.#damage = new UnavailableError(
        "database-damaged",
        `the database is damaged (${error.code}: ${error.message}); nothing is done until it was restored`,
        { cause: error },
      );
      this.#onDamage(error.message);
      throw this.#damage;
    }
  }

  #prepare(text: string): Sqlite.Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.sql.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

/**
 * Opens the database and brings it to this release's schema: numbered migrations, forward only, one transaction each. The file is copied
 * aside before the first new one. Refused when a newer release left a breaking migration that this one does not know; newer additive ones
 * are fine, so that a rolled-back update runs on the newer schema.
 */
export async function openDatabase(path: string, now: number): Promise<Database> {
  const isNew = !existsSync(path);
  const database = new Database(path);
  try {
    database.sql.exec(
      "create table if not exists migration (id text primary key, breaking integer not null, applied_at integer not null) strict",
    );
    const applied = database.all<{ id: string; breaking: number }>("select id, breaking from migration");
    const known = readMigrations();
    const unknown = applied.find(({ id, breaking }) => breaking && !known.some((migration) => migration.id === id));
    if (unknown)
      throw new RefusedError(
        "database-too-new",
        `the database holds the breaking change ${unknown.id} of a newer release; start that release, or restore a backup`,
      );
    const missing = known.filter(({ id }) => !applied.some((row) => row.id === id));
    if (missing.length > 0 && !isNew) {
      database.sql.pragma("wal_checkpoint(truncate)");
      await copyFile(path, `${path}.before-${missing[0]?.id}`);
    }
    for (const { id, sql, breaking } of missing)
      database.transaction(() => {
        if (database.get("select 1 from migration where id = ?", id)) return; // another process was faster
        database.sql.exec(sql);
        database.run("insert into migration (id, breaking, applied_at) values (?, ?, ?)", id, breaking ? 1 : 0, now);
      });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function unlessAway<T>(access: () => T): T {
  try {
    return access();
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError) || !passing.test(error.code)) throw error;
    throw new UnavailableError("database-unavailable", `can't use the database (${error.code}: ${error.message})`, { cause: error });
  }
}

/**
 * After a service was cut off: refuses a database that is damaged, before anything has written to it, so that it stays as it was found. A
 * sound one takes its time too: appliance/README.md says how long.
 */
export function requireSoundDatabase(path: string): void {
  const faults = existsSync(path) ? faultsOfDatabase(path) : [];
  if (faults.length > 0) throw damagedDatabase(path, faults);
}

function damagedDatabase(path: string, faults: readonly string[]): RefusedError {
  return new RefusedError(
    "database-damaged",
    `the database ${path} is damaged, and nothing was started or changed (${faults.slice(0, 3).join("; ")}). Keep the data folder as it is, with the received images in it, and restore the last backup into a new one: segbox restore FILE --data NEW`,
  );
}

/** The database of a data folder that a service has set up; refused where there is none, so that a mistyped folder does not get one. */
export async function openExistingDatabase(path: string, now: number): Promise<Database> {
  if (!existsSync(path)) throw new RefusedError("not-set-up", `there is no database at ${path}; is --data the service's data folder?`);
  return openDatabase(path, now);
}

/**
 * Keeps a data folder to one service at a time, by a lock that the kernel drops when the process ends, however it ends.
 * UnavailableError when another service holds it.
 */
export function lockFolder(path: string): { close(): void } {
  const lock = new Sqlite(path);
  try {
    lock.pragma("busy_timeout = 0");
    lock.exec("begin exclusive");
  } catch (error) {
    lock.close();
    throw new UnavailableError(
      "data-folder-in-use",
      `another Segbox service runs on this data folder (lock ${basename(path)}); stop it first, or name another with --data`,
      { cause: error },
    );
  }
  return lock;
}

function readMigrations(): Migration[] {
  return globSync("*.sql", { cwd: migrationsFolder })
    .sort()
    .map((file) => {
      const sql = readFileSync(join(migrationsFolder, file), "utf8");
      return { id: basename(file, ".sql"), sql, breaking: sql.startsWith("-- breaking") };
    });
}
