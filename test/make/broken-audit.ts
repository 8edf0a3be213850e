import type { Database } from "../../appliance/store/database.ts";

/** What SQLite says when an entry of the audit trail is to be written. */
export const auditBroken = "the audit trail can't be written";

/** From now on no entry of the audit trail can be written. */
export function breakAudit(database: Database): void {
  database.sql.exec(
    `create trigger audit_broken before insert on audit begin select raise (abort, '${auditBroken.replace("'", "''")}'); end`,
  );
}

export function mendAudit(database: Database): void {
  database.sql.exec("drop trigger audit_broken");
}

/** Every row of every table but the audit trail's own, which a broken one leaves alone by itself. */
export function dump(database: Database): string {
  const tables = database.all<{ name: string }>(
    "select name from sqlite_schema where type = 'table' and name not like 'audit%' order by name",
  );
  return JSON.stringify(tables.map(({ name }) => [name, database.all(`select * from "${name}" order by 1, 2`)]));
}
