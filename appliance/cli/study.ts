import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { parseUid, type Uid } from "../domain/ids.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { eraseStudy } from "../pipeline/erase-study.ts";
import { exportStudy, writeExport } from "../pipeline/export-study.ts";
import { overwriteErased } from "../pipeline/overwrite-erased.ts";
import { ObjectFolder } from "../store/objects.ts";
import { type Arguments, type Command, required, UsageError } from "./command.ts";
import { withFiles } from "./with-files.ts";

export const studyExport: Command = {
  words: ["study", "export"],
  summary: "write all that is here of a study into a folder",
  help: `
segbox study export STUDY_UID --output DIR --data DIR

Writes every object that was received or made, byte for byte, what is known of them, every audit entry about them, and manifest.json with the SHA-256
of each file: for a person who asks what is here about them, before it is erased, or for support.

  --output DIR  a new folder
  --data DIR    the service's data folder; the service may be running
`,
  options: { data: { type: "string" }, output: { type: "string" } },
  positionals: 1,
  run: (args) =>
    withFiles(args, async ({ database, folder }) => {
      const study = studyOf(args);
      const output = resolve(required(args, "output"));
      const at = systemClock.now();
      const objects = ObjectFolder.at(folder.objects);
      const from = { database, objects, resultFolder: folder.result, softwareVersion: readSoftwareVersion() };
      const count = await writeExport(exportStudy(study, { ...from, actor: "console", at }), output);
      process.stdout.write(`${count} files in ${output}\n`);
      return 0;
    }),
};

export const studyErase: Command = {
  words: ["study", "erase"],
  summary: "delete all that is here of a study, for good",
  help: `
segbox study erase STUDY_UID --data DIR [--yes] [--force]

Deletes images, results, what is known of them and how they were made, and writes the database anew, so that no name or UID of the study is left in the
data folder. What stays is one entry of the audit trail, with row numbers and the SHA-256 of the study's UID. Destinations keep what they have, and so do
backups. That the disk's free blocks give nothing away is the encrypted disk's matter: this box does not overwrite files.

Refused while something of the study is being done; without --force also while something is not delivered, failed, or waits for a person.

  --data DIR  the service's data folder; the service may be running
  --yes       do not ask
  --force     also what is not delivered: it will not be
`,
  options: { data: { type: "string" }, yes: { type: "boolean" }, force: { type: "boolean" } },
  positionals: 1,
  run: (args) =>
    withFiles(args, async ({ database, folder, filesRemoved }) => {
      const study = studyOf(args);
      if (!args.values.yes) await confirm(study);
      const order = { actor: "console", at: systemClock.now(), force: args.values.force === true };
      const { series, images, results, traces } = eraseStudy(database, study, order);
      const isDone = await filesRemoved();
      const { databaseCopies, isOverwritten } = await overwriteErased(database, study, folder);
      process.stdout.write(`erased: ${series.length} series, ${images} images, ${results} results, ${traces} traces of earlier ones\n`);
      if (databaseCopies > 0) process.stdout.write(`deleted too: ${databaseCopies} copies of the database from before an update\n`);
      if (!isDone) process.stdout.write("the service goes on deleting their files\n");
      if (!isOverwritten) process.stdout.write("the database's log was in use: what was erased may stand there until the next night\n");
      return 0;
    }),
};

function studyOf({ positionals: [uid] }: Arguments): Uid {
  if (uid === undefined) throw new UsageError("STUDY_UID is required: the study's UID");
  return parseUid(uid);
}

async function confirm(study: Uid): Promise<void> {
  if (!process.stdin.isTTY) throw new UsageError("standard input is no terminal to ask on; say --yes");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Everything of study ${study} is deleted for good. Type its UID again: `);
    if (answer.trim() !== study) throw new RefusedError("not-confirmed", "that is another UID; nothing was deleted");
  } finally {
    terminal.close();
  }
}
