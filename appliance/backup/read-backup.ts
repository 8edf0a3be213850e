import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { RefusedError } from "../base/errors.ts";
import { type ArchivedFile, unpackFiles } from "./archive.ts";
import { type BackupDescription, databaseFile, descriptionFile, parseDescription } from "./contents.ts";
import { unseal } from "./sealed-stream.ts";

export type VerifiedBackup = {
  readonly description: BackupDescription;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
};

/** The files of a backup behind its description, in their order; each has to be read to its end. Refused as {@link unseal} refuses. */
export async function* readBackup(
  path: string,
  passphrase: string,
  describe: (description: BackupDescription) => void,
): AsyncGenerator<ArchivedFile, void> {
  let isFirst = true;
  for await (const file of unpackFiles(unseal(createReadStream(path, { highWaterMark: 256 * 1024 }), passphrase))) {
    if (!isFirst) yield file;
    else if (file.path !== descriptionFile) throw new RefusedError("backup-unreadable", "the backup does not begin with its description");
    else describe(parseDescription((await buffer(file.content)).toString("utf8")));
    isFirst = false;
  }
}

/** Reads every byte of a backup. Refused where one is not as it was written, the end is missing, or there is no database in it. */
export async function verifyBackup(path: string, passphrase: string, onPiece: () => void = () => {}): Promise<VerifiedBackup> {
  let description: BackupDescription | undefined;
  const files: { path: string; sizeBytes: number }[] = [];
  for await (const { path: name, sizeBytes, content } of readBackup(path, passphrase, (found) => (description = found))) {
    for await (const _ of content) onPiece();
    files.push({ path: name, sizeBytes });
  }
  if (!description || !files.some(({ path: name }) => name === databaseFile))
    throw new RefusedError("backup-unreadable", "there is no database in the backup");
  return { description, files };
}
