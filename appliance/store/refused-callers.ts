import type { Database } from "./database.ts";

/** Why somebody was turned away, once per caller and reason. AE titles are as they came. */
export type Refusal = {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly address: string;
  readonly reason: string;
  readonly detail: string;
};
export type RefusedCaller = Refusal & {
  readonly id: number;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
};

/** Whoever makes up titles must not fill the disk with them. */
const mostKept = 500;

/** Adds refusals to the counts; beyond 500 rows those that were seen longest ago go. */
export function addRefusals(database: Database, refusals: readonly (Refusal & { readonly count: number; readonly at: number })[]): void {
  database.transaction(() => {
    for (const { callingAeTitle, calledAeTitle, address, reason, detail, count, at } of refusals)
      database.run(
        `insert into refused_caller (calling_ae_title, called_ae_title, address, reason, detail, count, first_at, last_at)
         values (?, ?, ?, ?, ?, ?, ?, ?)
         on conflict do update set count = count + excluded.count, last_at = excluded.last_at`,
        callingAeTitle,
        calledAeTitle,
        address,
        reason,
        detail,
        count,
        at,
        at,
      );
    database.run(
      "delete from refused_caller where id not in (select id from refused_caller order by last_at desc, id desc limit ?)",
      mostKept,
    );
  });
}

/** The latest first. */
export function listRefusedCallers(database: Database): RefusedCaller[] {
  return database.all<RefusedCaller>(
    `select id, calling_ae_title as "callingAeTitle", called_ae_title as "calledAeTitle", address, reason, detail, count,
       first_at as "firstAt", last_at as "lastAt"
     from refused_caller order by last_at desc, id desc`,
  );
}

export function getRefusedCaller(database: Database, id: number): RefusedCaller | undefined {
  return listRefusedCallers(database).find((caller) => caller.id === id);
}

/** Forgets what was refused to a caller: it is known now. */
export function removeRefusalsOf(database: Database, callingAeTitle: string, address: string): void {
  database.run("delete from refused_caller where calling_ae_title = ? and address = ?", callingAeTitle, address);
}
