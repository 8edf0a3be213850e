import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { backupName, listBackups, pruneBackups, requireTarget } from "../../../appliance/backup/target-folder.ts";
import { temporaryFolder } from "../../peers/folder.ts";

const box = { station: "CT 1/Süd", fingerprint: "0a1b2c3d" };
const at = Date.parse("2026-11-26T02:30:00Z");
const dayMs = 86_400_000;

test("a backup's name has the box and the time in it", () => {
  assert.equal(backupName(box, at), "segbox-CT-1-S-d-0a1b2c3d-20261126T023000Z.backup");
});

test("only this box's backups are listed, newest first, and the oldest go", async () => {
  await using folder = await temporaryFolder("backups");
  const other = { ...box, fingerprint: "ffffffff" };
  const mine = [0, 1, 2, 3].map((days) => backupName(box, at + days * dayMs));
  const kept = [backupName(other, at), "notes.txt", `${backupName(other, at)}.unverified`];
  for (const name of [...mine, ...kept, `${mine[0]}.unverified`, `${mine[0]}.unverified.x.part`])
    await writeFile(join(folder.path, name), "x");
  const listed = await listBackups(folder.path, box);
  assert.deepEqual(
    listed.map(({ path, madeAt, sizeBytes }) => [path, madeAt, sizeBytes]),
    [3, 2, 1, 0].map((days) => [join(folder.path, mine[days]!), at + days * dayMs, 1]),
  );
  assert.deepEqual(await pruneBackups(folder.path, box, 2), [join(folder.path, mine[1]!), join(folder.path, mine[0]!)]);
  assert.deepEqual((await readdir(folder.path)).sort(), [...kept, mine[2]!, mine[3]!].sort());
});

test("a folder that is not there, is none, or lies on the box's own disk is not written to", async () => {
  await using folder = await temporaryFolder("backups");
  const needs = (path: string, mustBeMounted: boolean) => requireTarget({ folder: path, mustBeMounted }, folder.path);
  await assert.rejects(needs(join(folder.path, "away"), false), {
    name: "UnavailableError",
    code: "backup-target-away",
    message: /no such file/,
  });
  await writeFile(join(folder.path, "file"), "x");
  await assert.rejects(needs(join(folder.path, "file"), false), { code: "backup-target-away", message: /no folder/ });
  await assert.rejects(needs(folder.path, true), { code: "backup-target-away", message: /own disk; is the share mounted/ });
  await needs(folder.path, false);
});

test("a folder on a mounted file system is one", async (context) => {
  const mounted = "/dev/shm";
  const [there, root] = await Promise.all([stat(mounted).catch(() => null), stat("/")]);
  if (!there || there.dev === root.dev) return context.skip("no second file system is mounted at /dev/shm");
  const folder = await mkdtemp(join(mounted, "segbox-"));
  try {
    await requireTarget({ folder, mustBeMounted: true }, import.meta.dirname);
  } finally {
    await rm(folder, { recursive: true });
  }
});
