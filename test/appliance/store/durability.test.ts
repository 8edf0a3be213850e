import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Durability } from "../../../appliance/store/durability.ts";
import { LogSync } from "../../../appliance/store/log-sync.ts";
import { ObjectFolder } from "../../../appliance/store/objects.ts";
import { addInstance, getSeries } from "../../../appliance/store/series.ts";
import { arrival, temporaryDatabase } from "../../make/database.ts";
import { temporaryFolder } from "../../peers/folder.ts";

/** Nothing stands behind it, nor will: fsync of it fails. */
const noDescriptor = 2 ** 30;

test("after one failed fsync nothing counts as durable any more, though another fsync would succeed", async () => {
  await using folder = await temporaryFolder();
  const told: string[] = [];
  const durability = new Durability(({ code }) => told.push(code));
  const fd = openSync(folder.path, "r");
  await durability.syncNames(fd);
  await assert.rejects(durability.syncContent(noDescriptor), { name: "UnavailableError", code: "storage-failed", message: /EBADF/ });
  await assert.rejects(durability.syncNames(fd), { code: "storage-failed" });
  assert.throws(() => durability.require(), { code: "storage-failed" });
  assert.deepEqual(told, ["storage-failed"]);
  closeSync(fd);
});

test("no object is begun after that, and one that was under way is not committed and leaves nothing", async () => {
  await using folder = await temporaryFolder();
  const durability = new Durability();
  const objects = await ObjectFolder.open(join(folder.path, "objects"), durability);
  const writer = objects.create(Buffer.from("head"));
  await durability.syncContent(noDescriptor).catch(() => {});
  await assert.rejects(writer.commit(), { code: "storage-failed" });
  await writer.abort();
  assert.throws(() => objects.create(Buffer.from("head")), { code: "storage-failed" });
});

test("a commit without fsync is there at once and durable when the log is synchronised; who waits together shares a sync", async () => {
  await using made = await temporaryDatabase();
  let syncs = 0;
  class Counting extends Durability {
    override syncContent(fd: number): Promise<void> {
      syncs++;
      return super.syncContent(fd);
    }
  }
  const log = new LogSync(join(made.folder, "segbox.sqlite"), new Counting());
  made.database.transactionUnsynced(() => addInstance(made.database, arrival(1)));
  assert.equal(getSeries(made.database, 1)?.instanceCount, 1);
  assert.equal(made.database.sql.pragma("synchronous", { simple: true }), 2, "full again for everybody else");
  await log.synced();
  assert.equal(syncs, 1, "alone it waits for nobody");
  await Promise.all(Array.from({ length: 50 }, () => log.synced()));
  assert.equal(syncs, 3, "the first of fifty begins, the others share the next");
  log.close();
});

test("a failed sync of the log fails everybody who waits for it", async () => {
  await using made = await temporaryDatabase();
  const durability = new Durability();
  const log = new LogSync(join(made.folder, "segbox.sqlite"), durability);
  await durability.syncContent(noDescriptor).catch(() => {});
  for (const { status } of await Promise.allSettled([log.synced(), log.synced(), log.synced()])) assert.equal(status, "rejected");
  log.close();
});
