import assert from "node:assert/strict";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { AuditHeads } from "../../../appliance/pipeline/audit-heads.ts";
import { addAudit, chainAudit } from "../../../appliance/store/audit.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");

async function trail(name: string) {
  const root = await temporaryFolder(name);
  const folder = dataFolder(root.path);
  const database = await openDatabase(folder.database, 1);
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), systemClock.now);
  return {
    folder,
    database,
    lines,
    add: (n: number, actor = "user:anna") =>
      addAudit(database, { at: Date.UTC(2026, 10, n), actor, action: "series-viewed", object: `series:${n}`, detail: {} }),
    heads: () => AuditHeads.open(database, folder, systemClock, log),
    segbox: (...args: string[]) => run(process.execPath, [main, "audit", ...args, "--data", root.path]),
    async [Symbol.asyncDispose]() {
      database.close();
      await root[Symbol.asyncDispose]();
    },
  };
}

test("a chain that somebody made anew is found by the heads in the data folder, by one that was kept, and by the service's log", async () => {
  await using made = await trail("cli-audit-verify");
  const { database, folder, lines, segbox } = made;
  for (const n of [1, 2, 3]) made.add(n);
  const heads = await made.heads();
  await heads.write();
  await heads.write(); // nothing new: no second line
  assert.equal((await stat(folder.auditKey)).mode & 0o777, 0o600);
  assert.equal((await stat(folder.auditHeads)).mode & 0o777, 0o600);
  made.add(4);
  await heads.stop();
  const kept = (await readFile(folder.auditHeads, "utf8")).trim().split("\n");
  assert.deepEqual(
    kept.map((line) => (JSON.parse(line) as { id: number }).id),
    [3, 4],
  );
  const { digest } = JSON.parse(kept[1]!) as { digest: string };
  const whole = await segbox("verify");
  assert.deepEqual([whole.code, whole.stdout], [0, `4 entries are whole; the last has the digest ${digest}\n`]);

  const log = join(folder.root, "service.log");
  await writeFile(log, lines.join(""));
  const keptKey = join(folder.root, "kept.pub");
  await writeFile(keptKey, await readFile(`${folder.auditKey}.pub`));
  for (const name of ["audit_no_delete", "audit_link_no_delete"]) database.sql.exec(`drop trigger ${name}`);
  database.run("delete from audit where id >= 3");
  database.run("delete from audit_link where id >= 3");
  made.add(5, "user:eve");
  chainAudit(database);
  assert.match(
    (await segbox("verify")).stdout,
    /^entry 3 is chained, but is another than the head that was kept says; the 2 before it are whole\n$/,
  );
  await writeFile(folder.auditHeads, `${kept[0]!.replace(/"digest":"..../, '"digest":"0000')}\n`);
  assert.match((await segbox("verify")).stderr, /the head of entry 3 was not signed with the key/);
  await writeFile(folder.auditHeads, "");
  assert.match((await segbox("verify")).stderr, /holds no signed head/);

  await rm(folder.auditHeads);
  assert.equal((await segbox("verify")).code, 0); // whoever can write there can make all of it anew
  const byDigest = await segbox("verify", "--head", digest);
  assert.deepEqual([byDigest.code, /no entry has the digest/.test(byDigest.stdout)], [1, true]);
  const byLog = await segbox("verify", "--head", log, "--key", keptKey);
  assert.deepEqual([byLog.code, /^entry 3 is chained, but/.test(byLog.stdout)], [1, true]);
});

test("entries are listed and exported by time, actor and action, and an export is an entry itself", async () => {
  await using made = await trail("cli-audit-list");
  for (const n of [1, 2, 3, 4]) made.add(n, n % 2 ? "user:anna" : "user:bo");
  const ids = ({ stdout }: { stdout: string }) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
  assert.deepEqual(ids(await made.segbox("list", "--limit", "2")), [4, 3]);
  assert.deepEqual(ids(await made.segbox("list", "--actor", "user:bo", "--action", "series-viewed")), [4, 2]);
  assert.deepEqual(ids(await made.segbox("list", "--from", "2026-11-02", "--until", "2026-11-03T12:00:00+13:00")), [2]);
  assert.equal((await made.segbox("list", "--from", "yesterday")).code, 2);
  assert.deepEqual(ids(await made.segbox("export")), [5, 4, 3, 2, 1]);
  assert.deepEqual(ids(await made.segbox("list", "--action", "audit-exported")), [5]);
});
