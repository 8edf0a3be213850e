import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { addAudit, chainAudit } from "../../../appliance/store/audit.ts";
import { type AuditRow, digestOf, lastLink, verifyAudit } from "../../../appliance/store/audit-chain.ts";
import type { Database } from "../../../appliance/store/database.ts";
import { temporaryDatabase } from "../../make/database.ts";

const count = 60;

function fill(database: Database, entries: number, from = 1_000): void {
  database.transaction(() => {
    for (let n = 1; n <= entries; n++)
      addAudit(database, { at: from + n, actor: `user:u${n % 3}`, action: "series-viewed", object: `series:${n}`, detail: { n } });
  });
}

/** As somebody does who has the file: without the triggers that keep the trail append-only. */
function disarm(database: Database): void {
  for (const name of ["audit_no_update", "audit_no_delete", "audit_link_no_update", "audit_link_no_delete"])
    database.sql.exec(`drop trigger ${name}`);
}

/** Numbers from 0 up to and without `below`; the same ones for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Forgery = { readonly what: string; readonly first: number; readonly needsHead: boolean };

/** Chains everything from `id` on anew, as somebody does who knows how. */
function rechain(database: Database, id: number): void {
  database.run("delete from audit_link where id >= ?", id);
  chainAudit(database);
}

function forge(database: Database, below: (limit: number) => number): Forgery {
  const id = 1 + below(count);
  const column = ["at", "actor", "action", "object", "detail"][below(5)]!;
  const put = (row: Omit<AuditRow, "id">, at: number): void =>
    void database.run(
      "insert into audit (id, at, actor, action, object, detail) values (?, ?, ?, ?, ?, ?)",
      at,
      row.at,
      row.actor,
      row.action,
      row.object,
      row.detail,
    );
  const edit = (): void =>
    void database.run(
      `update audit set ${column} = ? where id = ?`,
      column === "at" ? below(1_000) : column === "detail" ? '{"n":0}' : "x",
      id,
    );
  const swap = (table: string, one: number, other: number): void => {
    database.run(`update ${table} set id = -1 where id = ?`, one);
    database.run(`update ${table} set id = ? where id = ?`, one, other);
    database.run(`update ${table} set id = ? where id = -1`, other);
  };
  switch (below(8)) {
    case 0:
      edit();
      return { what: `edit ${column}`, first: id, needsHead: false };
    case 1: {
      const middle = Math.min(id, count - 1);
      database.run("delete from audit where id = ?", middle);
      if (below(2)) database.run("delete from audit_link where id = ?", middle);
      return { what: "delete", first: middle, needsHead: false };
    }
    case 2: {
      const other = 1 + ((id - 1 + 1 + below(count - 1)) % count);
      swap("audit", id, other);
      if (below(2)) swap("audit_link", id, other);
      return { what: "reorder", first: Math.min(id, other), needsHead: false };
    }
    case 3: {
      for (let n = count; n > id; n--)
        for (const table of ["audit", "audit_link"]) database.run(`update ${table} set id = ? where id = ?`, n + 1, n);
      put({ at: 5, actor: "user:eve", action: "sign-in", object: "session", detail: "{}" }, id + 1);
      if (id === count) return { what: "append without a link", first: id + 1, needsHead: false };
      if (below(2)) database.run("insert into audit_link (id, digest) values (?, ?)", id + 1, "ab".repeat(32));
      return { what: "insert", first: id + 1, needsHead: false };
    }
    case 4:
      database.run("delete from audit where id >= ?", id);
      database.run("delete from audit_link where id >= ?", id);
      return { what: "cut the end off", first: id, needsHead: true };
    case 5:
      edit();
      rechain(database, id);
      return { what: "edit and chain anew", first: id, needsHead: true };
    case 6:
      database.run("delete from audit where id >= ?", id);
      database.run("delete from audit_link where id >= ?", id);
      fill(database, count, 2_000);
      return { what: "cut the end off and go on", first: id, needsHead: true };
    default:
      database.run("update audit_link set digest = ? where id = ?", "0f".repeat(32), id);
      return { what: "edit a digest", first: id, needsHead: false };
  }
}

test("a thousand forgeries are found: edits, deletions, moves and insertions by the chain, the rest by a head that was kept", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  fill(database, count);
  const head = lastLink(database);
  assert.deepEqual(verifyAudit(database, [head]), { entries: count, last: head, broken: null });
  disarm(database);
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 1_000; seed++) {
    database.sql.exec("begin");
    const { what, first, needsHead } = forge(database, seeded(seed * 7_919));
    const without = verifyAudit(database);
    const within = verifyAudit(database, [head]);
    database.sql.exec("rollback");
    const of = `seed ${seed}: ${what} at ${first}`;
    assert.ok(within.broken, of);
    if (!needsHead) assert.equal(without.broken?.id, first, of);
    else assert.equal(without.broken, null, of); // so it is the head that tells
    seen.set(what, (seen.get(what) ?? 0) + 1);
  }
  assert.ok(seen.size >= 11, [...seen.keys()].join());
  assert.equal(verifyAudit(database, [head]).broken, null);
});

test("the chain's sum is the one that is written down", () => {
  const row: AuditRow = { id: 1, at: 2, actor: "user:ä", action: "sign-in", object: "session", detail: '{"a":1}' };
  // printf '%064d\n[1,2,"user:ä","sign-in","session","{\\"a\\":1}"]' 0 | sha256sum
  assert.equal(digestOf("0".repeat(64), row), "0e05bd94711e09bafc11bbada93a56b2fffc79abcba6381e5e030aa6af2673a0");
});

test("entries of before the chain, and of an older release, are chained at the next start", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const old = (id: number): void =>
    void database.run("insert into audit (id, at, actor, action, object, detail) values (?, 1, 'system', 'x', 'y', '{}')", id);
  database.transaction(() => {
    for (let id = 1; id <= 6_000; id++) old(id);
  });
  assert.equal(verifyAudit(database).broken?.id, 1);
  assert.equal(chainAudit(database), true);
  assert.equal(chainAudit(database), false);
  old(6_001);
  assert.equal(verifyAudit(database).broken?.id, 6_001);
  fill(database, 1);
  assert.partialDeepStrictEqual(verifyAudit(database), { entries: 6_002, broken: null });
});

test("a trail whose end was cut off goes on under new numbers, and the gap is found", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  fill(database, 5);
  database.sql.exec("drop trigger audit_no_delete");
  database.run("delete from audit where id >= 4");
  fill(database, 1);
  const { broken, last } = verifyAudit(database);
  assert.deepEqual([broken?.id, last.id], [4, 3]);
});

test("a link can be neither changed nor deleted, and an entry whose link fails is not there", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  fill(database, 2);
  assert.throws(() => database.run("update audit_link set digest = ?", "0".repeat(64)), /append-only/);
  assert.throws(() => database.run("delete from audit_link"), /append-only/);
  database.sql.exec("create trigger broken before insert on audit_link begin select raise (abort, 'no room'); end");
  assert.throws(() => fill(database, 1), /no room/);
  assert.partialDeepStrictEqual(verifyAudit(database), { entries: 2, broken: null });
});

test("entries that are written while it is checked are no forgery", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  fill(database, 5);
  const writer = new Worker(join(import.meta.dirname, "audit-writer.ts"), { workerData: database.sql.name });
  await once(writer, "message");
  const before = lastLink(database).id;
  const verdicts = Array.from({ length: 300 }, () => verifyAudit(database).broken);
  await writer.terminate();
  assert.deepEqual(new Set(verdicts), new Set([null]));
  assert.ok(lastLink(database).id > before, "nothing was written meanwhile");
});
