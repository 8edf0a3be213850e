import Sqlite from "better-sqlite3";

/** More are not listed: the first ones say what kind of damage it is. */
const mostFaults = 20;

/**
 * What is wrong with a database file: pages, trees and indexes that do not fit together (SQLite's integrity_check), and rows that refer to rows
 * that are not there. Empty: nothing. Opens it for reading only, so that a damaged file and its write-ahead log stay as they were found.
 */
export function faultsOfDatabase(path: string): string[] {
  try {
    const sql = new Sqlite(path, { readonly: true, fileMustExist: true });
    try {
      return [...faultsOfPages(sql), ...faultsOfReferences(sql)].slice(0, mostFaults);
    } finally {
      sql.close();
    }
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError) || !isDamage(error.code)) throw error;
    return [error.message]; // so far gone that it can't even be looked through
  }
}

/** Whether a result code of SQLite says that the file is not what SQLite has written. */
export function isDamage(code: string): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(code);
}

function faultsOfPages(sql: Sqlite.Database): string[] {
  const found = sql.pragma(`integrity_check(${mostFaults})`) as { integrity_check: string }[];
  return found.flatMap(({ integrity_check: text }) => (text === "ok" ? [] : [text.replaceAll(/\s*\n\s*/g, ": ")]));
}

function faultsOfReferences(sql: Sqlite.Database): string[] {
  const found = sql.prepare("select * from pragma_foreign_key_check limit ?").all(mostFaults) as {
    table: string;
    rowid: number | null;
    parent: string;
  }[];
  return found.map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to a row of ${parent} that is not there`);
}
