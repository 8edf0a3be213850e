import assert from "node:assert/strict";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { verifyBackup } from "../../../appliance/backup/read-backup.ts";
import { backupState, setPassphrase } from "../../../appliance/backup/run-backup.ts";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { runNightlyBackup } from "../../../appliance/pipeline/nightly-backup.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { setSetting } from "../../../appliance/store/settings.ts";
import { addSeries, temporaryDatabase } from "../../make/database.ts";

const passphrase = "seven grey herons wait upstream";
const dayMs = 86_400_000;

/** A box with something in it, and a place for its backups. */
async function makeBox() {
  const made = await temporaryDatabase();
  const { database } = made;
  const backups = join(made.folder, "elsewhere");
  await mkdir(backups);
  addSeries(database, 3);
  setSetting(database, "station", { name: "TEST" });
  return { ...made, folder: dataFolder(made.folder), backups };
}

test("a night makes a backup; a night that can't keeps the last one, says why, and is late after some days", async () => {
  await using made = await makeBox();
  const { database, folder, backups } = made;
  const lines: { event: string; message?: string; lastGoodAt?: number }[] = [];
  const log = createLog((line) => lines.push(JSON.parse(line)), systemClock.now);
  const start = systemClock.now();
  const night = (at: number) => runNightlyBackup({ database, folder, clock: { ...systemClock, now: () => at }, softwareVersion: "1" }, log);
  const state = (at: number) => backupState(database, at);

  await night(start);
  assert.deepEqual([lines, state(start).state], [[], "off"], "nothing where none is set up");

  setSetting(database, "backup", { folder: backups, mustBeMounted: false, keep: 2, alertAfterDays: 2 });
  assert.equal(state(start).state, "late", "there is none yet");
  await night(start);
  assert.match(lines.at(-1)!.message!, /no passphrase for backups/);
  assert.equal(state(start).state, "failed");

  await setPassphrase({ database, folder, clock: systemClock }, passphrase);
  await night(start);
  assert.deepEqual([lines.at(-1)!.event, state(start)], ["backup-made", { state: "good", lastGoodAt: start, error: null }]);
  assert.equal(state(start + 3 * dayMs).state, "late");
  const [file] = await readdir(backups);
  const { description } = await verifyBackup(join(backups, file!), passphrase);
  assert.deepEqual([description.station, description.madeAt], ["TEST", start]);

  await rm(backups, { recursive: true });
  await night(start + dayMs);
  const { event, lastGoodAt } = lines.at(-1)!;
  assert.deepEqual([event, lastGoodAt], ["backup-failed", start]);
  assert.match(state(start + dayMs).error!, /can't back up to .*: .*no such file or folder/);
  assert.deepEqual(
    listAudit(database, 3).map(({ action, actor }) => `${actor} ${action}`),
    ["system backup-failed", "system backup-begun", "system backup-made"],
  );
});

test("a damaged database is not backed up, and takes no good backup's place", async () => {
  await using made = await makeBox();
  const { database, folder, backups } = made;
  setSetting(database, "backup", { folder: backups, mustBeMounted: false, keep: 1 });
  await setPassphrase({ database, folder, clock: systemClock }, passphrase);
  const log = createLog(() => {}, systemClock.now);
  const start = systemClock.now();
  const night = (at: number) => runNightlyBackup({ database, folder, clock: { ...systemClock, now: () => at }, softwareVersion: "1" }, log);
  await night(start);
  const before = await readdir(backups);
  assert.equal(before.length, 1);
  database.sql.pragma("foreign_keys = off");
  database.run("delete from series"); // its images refer to nothing now
  await night(start + dayMs);
  assert.deepEqual(await readdir(backups), before);
  assert.match(
    backupState(database, start + dayMs).error!,
    /the database is damaged \(row \d+ of instance refers to .*earlier backups are kept/,
  );
});
