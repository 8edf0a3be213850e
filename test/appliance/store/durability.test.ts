import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Durability } from "../../../appliance/store/durability.ts";
import { GroupCommit } from "../../../appliance/store/group-commit.ts";
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

/** Counts the syncs of the log and the transactions. */
async function committing() {
  const made = await temporaryDatabase();
  const counts = { syncs: 0, transactions: 0 };
  class Counting extends Durability {
    override syncContent(fd: number): Promise<void> {
      counts.syncs++;
      return super.syncContent(fd);
    }
  }
  const durability = new Counting();
  const commits = new GroupCommit(made.database, join(made.folder, "segbox.sqlite"), durability);
  const transaction = made.database.transactionUnsynced.bind(made.database);
  made.database.transactionUnsynced = (body) => {
    counts.transactions++;
    return transaction(body);
  };
  const add = (index: number, committed: () => void = () => {}) =>
    commits.commit(() => addInstance(made.database, arrival(index)), committed);
  const close = () => {
    commits.close();
    return made[Symbol.asyncDispose]();
  };
  return { ...made, counts, durability, commits, add, [Symbol.asyncDispose]: close };
}

test("who commits alone waits for nobody: the row is there at once, and durable after one sync", async () => {
  await using made = await committing();
  const durable = made.add(1);
  assert.equal(getSeries(made.database, 1)?.instanceCount, 1);
  assert.deepEqual(made.counts, { syncs: 1, transactions: 1 });
  assert.equal(made.database.sql.pragma("synchronous", { simple: true }), 2, "full again for everybody else");
  assert.partialDeepStrictEqual(await durable, { seriesId: 1, isNew: true });
  await made.add(2);
  assert.deepEqual(made.counts, { syncs: 2, transactions: 2 });
});

test("who comes while a sync runs shares the next transaction and its sync; each is told what became of its own", async () => {
  await using made = await committing();
  const told: number[] = [];
  const added = await Promise.all(Array.from({ length: 50 }, (_, index) => made.add(index + 1, () => told.push(index))));
  assert.deepEqual(made.counts, { syncs: 2, transactions: 2 });
  assert.ok(added.every(({ isNew }) => isNew));
  assert.equal(getSeries(made.database, 1)?.instanceCount, 50);
  assert.deepEqual(
    told,
    Array.from({ length: 50 }, (_, index) => index),
  );
});

test("one that fails in a group fails alone, and nothing of it stays", async () => {
  await using made = await committing();
  const fails = () =>
    made.commits.commit(
      () => {
        addInstance(made.database, arrival(99));
        throw new Error("a fault");
      },
      () => assert.fail("it is not committed"),
    );
  const settled = await Promise.allSettled([made.add(1), made.add(2), fails(), made.add(3)]);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(getSeries(made.database, 1)?.instanceCount, 3);
  await assert.rejects(fails(), /^Error: a fault$/);
  await made.add(4); // and the next one goes on
});

test("a failed sync of the log fails everybody who waits for it, and everybody after", async () => {
  await using made = await committing();
  await made.durability.syncNames(noDescriptor).catch(() => {});
  for (const { status } of await Promise.allSettled([made.add(1), made.add(2), made.add(3)])) assert.equal(status, "rejected");
  await assert.rejects(made.add(4), { code: "storage-failed" });
});
