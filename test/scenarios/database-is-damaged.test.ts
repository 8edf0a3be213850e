import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "../../appliance/store/database.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, startBox } from "./box.ts";

/** Puts other bytes in the place of a table's first page. Where it has been. */
async function damage(path: string, table: string): Promise<void> {
  const database = new Database(path);
  database.optimize(); // out of the write-ahead log, into the file
  const { rootpage } = database.get<{ rootpage: number }>("select rootpage from sqlite_schema where name = ?", table)!;
  const pageBytes = database.sql.pragma("page_size", { simple: true }) as number;
  database.close();
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(pageBytes, 0x5a), 0, pageBytes, (rootpage - 1) * pageBytes);
  await file.close();
}

const digestOf = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

test("after an unclean end the database is checked; a damaged one starts nothing, and is left as it was found", async () => {
  await using folder = await temporaryFolder("damaged");
  const data = join(folder.path, "data");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const settings = { data, pacs: { aeTitle: pacs.aeTitle, dicomPort: pacs.port }, quietSeconds: 600 };
  const mark = join(data, "service.running");
  const path = join(data, "segbox.sqlite");
  {
    await using box = await startBox(settings);
    await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
    await box.killHard();
  }
  assert.ok(existsSync(mark));
  {
    await using box = await startBox(settings);
    assert.ok(
      box.process.lines.some((line) => line.includes('"event":"database-sound"')),
      "it was looked at, and is sound",
    );
    assert.equal((await box.listSeries())[0]!.instanceCount, 20);
    await box.stop();
  }
  assert.ok(!existsSync(mark), "a service that was stopped leaves no mark");
  {
    await using box = await startBox(settings);
    assert.ok(!box.process.lines.some((line) => line.includes("database-sound")), "nothing to look at after a clean end");
    await box.killHard();
  }

  await damage(path, "instance");
  const before = await digestOf(path);
  for (let n = 0; n < 2; n++) {
    const refused = await run(process.execPath, [cli, "serve", "--data", data], { timeoutMs: 60_000 });
    assert.equal(refused.code, 1);
    assert.equal(refused.stdout, "", "it never listened");
    assert.match(
      refused.stderr,
      /^segbox: the database .* is damaged, and nothing was started or changed \(.+\)\. Keep the data folder as it is, .*: segbox restore FILE --data NEW$/m,
    );
  }
  assert.equal(await digestOf(path), before);
  const images = (await readdir(join(data, "objects"), { recursive: true })).filter((name) => name.endsWith(".dcm"));
  assert.equal(images.length, 20, "and so are the images");
});

test("damage that a start comes upon ends it before it listens, and the next start looks", async () => {
  await using folder = await temporaryFolder("damaged-running");
  const data = join(folder.path, "data");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const settings = { data, pacs: { aeTitle: pacs.aeTitle, dicomPort: pacs.port }, quietSeconds: 600 };
  {
    await using box = await startBox(settings);
    await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
    await box.stop();
  }
  await damage(join(data, "segbox.sqlite"), "instance");
  // It ended cleanly, so the database is not looked at; but the start compares files with rows
  const met = await run(process.execPath, [cli, "serve", "--data", data], { timeoutMs: 60_000 });
  assert.equal(met.code, 1);
  assert.equal(met.stdout, "", "it never listened");
  assert.equal(met.stderr.match(/"event":"database-damaged"/g)?.length, 1);
  assert.ok(existsSync(join(data, "service.running")));
  const refused = await run(process.execPath, [cli, "serve", "--data", data], { timeoutMs: 60_000 });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is damaged, and nothing was started or changed/);
});
