/**
 * SQL for the id of a new row: one that no row of the table ever had, deleted ones included. SQLite itself would give the id of a deleted
 * last row again, and audit entries and folders of that id would be another's.
 */
export function freshId(table: "series" | "result" | "delivery" | "pull"): string {
  return `(select 1 + max(ifnull((select max(id) from ${table}), 0), ifnull((select id from highest_id where name = '${table}'), 0)))`;
}
