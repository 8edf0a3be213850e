import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setPassphrase } from "../../../appliance/backup/run-backup.ts";
import { systemClock } from "../../../appliance/base/clock.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { type Database, openDatabase } from "../../../appliance/store/database.ts";
import { addResult, moveResult } from "../../../appliance/store/results.ts";
import { setSeriesState } from "../../../appliance/store/series.ts";
import { replaceNodesAndRules, setSetting } from "../../../appliance/store/settings.ts";
import { addUser } from "../../../appliance/store/users.ts";
import { auditBroken, breakAudit, dump } from "../../make/broken-audit.ts";
import { addSeries, newResult } from "../../make/database.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { freePort } from "../../peers/ports.ts";
import { run } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");
const shipped = join(import.meta.dirname, "../../../models/reference");
const series = join(import.meta.dirname, "../../data/example-ct");

/** Arguments after --data of each command that changes something of a data folder, or calls somebody. */
const changing: Readonly<Record<string, readonly string[]>> = {
  "user add": ["newcomer", "--role", "reviewer", "--password-stdin"],
  "user reset": ["anna"],
  "user role": ["ben", "--role", "engineer"],
  "user remove": ["ben"],
  "node test": ["pacs"],
  "node find": ["pacs", "--patient", "1"],
  "node pull": ["pacs", "1.2.3"],
  "node pause": ["pacs"],
  "node resume": ["pacs"],
  "node remove": ["pacs"],
  "node token": ["pacs"],
  "tls request": ["segbox.hospital.example"],
  "model import": ["--from", "MODEL"],
  "model activate": ["reference"],
  "model bench": ["reference", "--input", series],
  "model quantize": ["installed", "--bench-only"],
  "audit export": [],
  "retention run": ["--all"],
  "retention settle": ["1"],
  "study export": ["1.2", "--output", "OUTPUT"],
  "study erase": ["1.2", "--yes", "--force"],
  "backup now": [],
  "backup passphrase": ["--passphrase-stdin"],
};
/** Those that look, or that write elsewhere; what `restore` makes has its entry in the transaction that settles it. The service itself is the routes' matter, and the pipeline's. */
const others = [
  "serve",
  "segment",
  "explain",
  "reproduce",
  "model list",
  "model card",
  "model fetch",
  "audit list",
  "audit verify",
  "user list",
  "retention plan",
  "backup list",
  "backup verify",
  "restore",
  "demo",
];

let data: TemporaryFolder;
let database: Database;
before(async () => {
  data = await temporaryFolder("cli-audited-first");
  const folder = dataFolder(data.path);
  database = await openDatabase(folder.database, 1);
  for (const [name, role] of [
    ["anna", "admin"],
    ["ben", "reviewer"],
  ] as const)
    addUser(database, { name, role, passwordHash: "-", createdAt: 1 });
  const node = { name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: await freePort(), services: ["find" as const, "move" as const] };
  replaceNodesAndRules(database, [node], []);
  setSetting(database, "dicom", { aeTitle: "SEGBOX" });
  const [failed, ignored] = ["1.3", "1.4"].map((series) => addSeries(database, 1, { series })) as [number, number];
  setSeriesState(database, failed, "complete", null);
  moveResult(database, addResult(database, newResult(failed, "digest"))!, "failed", { code: "fault", message: "a fault" });
  setSeriesState(database, ignored, "ignored", { code: "no-rules", message: "no rule is set up" });
  await mkdir(join(data.path, "backups"));
  setSetting(database, "backup", { folder: join(data.path, "backups"), mustBeMounted: false });
  await setPassphrase({ database, folder, clock: systemClock }, "plum violin harbour 41");
  await copyShipped(join(folder.models, "installed"), "installed");
  await copyShipped(join(data.path, "to-import"), "imported");
});
after(async () => {
  database.close();
  await data[Symbol.asyncDispose]();
});

/** A copy of the reference model under another name. */
async function copyShipped(folder: string, name: string): Promise<void> {
  await cp(shipped, folder, { recursive: true });
  const manifest = join(folder, "manifest.json");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace('"name": "reference"', `"name": "${name}"`));
}

/** Every file but the database's own and the lock of the folder. */
async function filesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => !file.startsWith("segbox.sqlite") && file !== "service.lock").sort();
}

test("no command does what can't be written into the audit trail", async () => {
  const overview = await run(process.execPath, [main, "--help"]);
  const commands = [...overview.stdout.matchAll(/^ {2}(\w+(?: \w+)?) +\S/gm)].map(([, words]) => words!);
  assert.deepEqual(commands.toSorted(), [...Object.keys(changing), ...others].toSorted());
  breakAudit(database);
  const [rows, files] = [dump(database), await filesIn(data.path)];
  for (const [words, args] of Object.entries(changing)) {
    const rest = args.map((arg) => (arg === "MODEL" ? join(data.path, "to-import") : arg === "OUTPUT" ? join(data.path, "exported") : arg));
    const { code, stderr } = await run(process.execPath, [main, ...words.split(" "), ...rest, "--data", data.path], {
      input: "plum violin harbour 42\n",
    });
    assert.equal(code, 1, `${words}: ${stderr}`);
    assert.match(stderr, new RegExp(auditBroken), words);
    assert.equal(dump(database), rows, words);
    assert.deepEqual(await filesIn(data.path), files, words);
  }
});
