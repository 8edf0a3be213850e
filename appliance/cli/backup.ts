import { verifyBackup } from "../backup/read-backup.ts";
import { restoreBackup } from "../backup/restore.ts";
import { backupSettings, boxName, keptPassphrase, runBackup, setPassphrase } from "../backup/run-backup.ts";
import { listBackups } from "../backup/target-folder.ts";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { passphraseHelp, passphraseOptions, readPassphrase } from "./ask-passphrase.ts";
import { type Arguments, type Command, optional, required, UsageError } from "./command.ts";
import { withBox } from "./with-box.ts";

const backupNow: Command = {
  words: ["backup", "now"],
  summary: "back up settings, users, keys and records",
  help: `
segbox backup now --data DIR

Makes a backup as the service does every night at 02:30, to the folder that the site file's \`backup\` names, under the passphrase that was set.
The service may be running and receiving. Received images and results are not in it.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 0,
  run: (args) =>
    withBox(args, async (database, folder) => {
      const made = await runBackup({ database, folder, clock: systemClock, softwareVersion: readSoftwareVersion(), actor: "console" });
      process.stdout.write(`wrote ${made.path} (${made.sizeBytes} bytes) and read it back\n`);
      for (const path of made.removed) process.stdout.write(`removed ${path}, older than those that are kept\n`);
      return 0;
    }),
};

const backupList: Command = {
  words: ["backup", "list"],
  summary: "list this box's backups",
  help: `
segbox backup list --data DIR

Prints the backups of this box in the folder of the site file, newest first, as JSON lines. \`segbox backup verify\` tells whether one is whole.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 0,
  run: (args) =>
    withBox(args, async (database, folder) => {
      const settings = backupSettings(database);
      if (!settings) throw new RefusedError("backup-off", "no backup is set up: the site file has no `backup`");
      for (const { path, madeAt, sizeBytes } of await listBackups(settings.folder, await boxName(database, folder)))
        process.stdout.write(`${JSON.stringify({ path, madeAt: new Date(madeAt).toISOString(), sizeBytes })}\n`);
      return 0;
    }),
};

const backupVerify: Command = {
  words: ["backup", "verify"],
  summary: "read a backup to its end",
  help: `
segbox backup verify FILE [--data DIR | --passphrase-file FILE | --passphrase-stdin]

Decrypts every byte, keeps none, and says what is in it. Exit code 1 where the passphrase is another, or a byte is not as it was written.

  --data DIR              takes the passphrase that is set in this data folder${passphraseHelp}
`,
  options: { data: { type: "string" }, ...passphraseOptions },
  positionals: 1,
  async run(args) {
    const path = fileIn(args);
    const passphrase =
      optional(args, "data") === undefined ? await readPassphrase(args, { isNew: false }) : await withBox(args, keptPassphrase);
    const { description, files } = await verifyBackup(path, passphrase);
    const { station, madeAt, softwareVersion, models } = description;
    process.stdout.write(`whole: ${station}, ${new Date(madeAt).toISOString()}, version ${softwareVersion}\n`);
    for (const file of files) process.stdout.write(`  ${String(file.sizeBytes).padStart(12)} ${file.path}\n`);
    for (const model of models)
      process.stdout.write(`  model ${model.name} ${model.version}${model.isIncluded ? "" : ": not in it, to be imported again"}\n`);
    return 0;
  },
};

const backupPassphrase: Command = {
  words: ["backup", "passphrase"],
  summary: "set the passphrase of backups",
  help: `
segbox backup passphrase --data DIR [--passphrase-file FILE | --passphrase-stdin]

Keeps the passphrase of the next backups in the box, encrypted and never shown. Write it down and keep it elsewhere: without it no backup can be
restored, by nobody. Earlier backups keep the one they were made with.

  --data DIR              the service's data folder; the service may be running${passphraseHelp}
`,
  options: { data: { type: "string" }, ...passphraseOptions },
  positionals: 0,
  run: (args) =>
    withBox(args, async (database, folder) => {
      const passphrase = await readPassphrase(args, { isNew: true });
      const { requireGoodPassword } = await import("../api/new-password.ts"); // its lists are too large for every command to load
      requireGoodPassword(passphrase, []);
      await setPassphrase({ database, folder, clock: systemClock }, passphrase);
      process.stdout.write("set; the next backup is made with it\n");
      return 0;
    }),
};

export const restore: Command = {
  words: ["restore"],
  summary: "make a data folder of a backup",
  help: `
segbox restore FILE --data DIR [--passphrase-file FILE | --passphrase-stdin]

Restores a backup into an empty folder; start the service on it afterwards. Users, settings, nodes, rules, keys, certificates and the audit trail are
as they were. Received images and results are not in a backup: what was under way is set aside with that reason, and can be sent again.

  --data DIR              the new data folder; made when absent, refused when it holds anything${passphraseHelp}
`,
  options: { data: { type: "string" }, ...passphraseOptions },
  positionals: 1,
  async run(args) {
    const path = fileIn(args);
    const data = required(args, "data");
    const { description, setAside, missing } = await restoreBackup(
      path,
      data,
      await readPassphrase(args, { isNew: false }),
      systemClock.now(),
    );
    const lines = [
      `restored ${description.station} as of ${new Date(description.madeAt).toISOString()} to ${data}`,
      `set aside, since received images and results are not in a backup: ${setAside.series} series that were arriving, ${setAside.results} results, ${setAside.deliveries} deliveries; ${setAside.images} images are gone from here`,
      ...description.models
        .filter(({ isIncluded }) => !isIncluded)
        .map(({ name, version }) => `model ${name} ${version} is not in the backup: import it again with \`segbox model import\``),
      ...missing.map(({ path: named, at }) =>
        at === null
          ? `the settings name ${named}, which is not on this machine, and was not in the backup`
          : `the settings name ${named}, which is not on this machine: its content is ${at}`,
      ),
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
    return 0;
  },
};

export const backupCommands: readonly Command[] = [backupNow, backupList, backupVerify, backupPassphrase];

function fileIn({ positionals: [file = ""] }: Arguments): string {
  if (file === "") throw new UsageError("FILE is required: a backup");
  return file;
}
