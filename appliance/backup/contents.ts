import { constants, createReadStream } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import * as z from "zod";
import { RefusedError } from "../base/errors.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { filesOf, listModels } from "../inference/models.ts";
import type { Database } from "../store/database.ts";
import { getSetting, listNodes } from "../store/settings.ts";
import type { ArchivedFile } from "./archive.ts";

/** The first file of a backup: what it is of and what it lacks. */
export const descriptionFile = "backup.json";
/** Where the database lies in it. */
export const databaseFile = "segbox.sqlite";

const description = z.object({
  format: z.literal(1),
  station: z.string(),
  /** UTC epoch ms. */
  madeAt: z.number(),
  softwareVersion: z.string(),
  models: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      isIncluded: z.boolean(),
      files: z.array(z.object({ file: z.string(), sha256: z.string(), sizeBytes: z.number() })),
    }),
  ),
  /** Files that the settings name by their path on the machine, and where they lie in the backup; null: they could not be read. */
  named: z.array(z.object({ path: z.string(), at: z.string().nullable() })),
});

export type BackupDescription = z.output<typeof description>;

/** Refused where it is of another form. */
export function parseDescription(text: string): BackupDescription {
  try {
    return description.parse(JSON.parse(text));
  } catch (error) {
    throw new RefusedError("backup-unreadable", "the backup was made by a newer release, which has to restore it", { cause: error });
  }
}

export type ContentOptions = {
  readonly database: Database;
  readonly folder: DataFolder;
  /** A copy of the database that nobody writes to. */
  readonly databaseCopy: string;
  readonly withModels: boolean;
  readonly station: string;
  readonly softwareVersion: string;
  readonly now: number;
};

/**
 * What makes this box this box: database (with users, nodes, rules, audit trail), keys, certificates, what the settings name elsewhere, how
 * models were activated, and which are installed. Not in it: received images and results, which archives hold.
 */
export async function* backupContents(options: ContentOptions): AsyncGenerator<ArchivedFile, void> {
  const { database, folder, databaseCopy, withModels } = options;
  const inFolder = await ownFiles(folder);
  const named = await namedFiles(database, folder, inFolder);
  const models = await installedModels(folder);
  const text = JSON.stringify({
    format: 1,
    station: options.station,
    madeAt: options.now,
    softwareVersion: options.softwareVersion,
    models: models.map((model) => ({ ...model, isIncluded: withModels })),
    named: named.map(({ path, at }) => ({ path, at })),
  } satisfies BackupDescription);
  yield { path: descriptionFile, sizeBytes: Buffer.byteLength(text), content: oneOf(Buffer.from(text)) };
  yield await fileOf(databaseFile, databaseCopy);
  for (const path of inFolder) yield await fileOf(path, join(folder.root, path));
  for (const { path, at } of named) if (at !== null && !inFolder.includes(at)) yield await fileOf(at, path);
  if (withModels) for (const path of await filesBelow(folder.models)) yield await fileOf(relative(folder.root, path), path);
}

/** Of the data folder, relative to it. */
async function ownFiles(folder: DataFolder): Promise<string[]> {
  const single = [folder.secretKey, folder.auditKey, `${folder.auditKey}.pub`, folder.auditHeads];
  const folders = [folder.https, folder.tls, dirname(folder.activation("any")), dirname(folder.benchmark("any"))];
  const there = await Promise.all(single.map(async (path) => ((await isReadable(path)) ? [path] : [])));
  const below = await Promise.all(folders.map(filesBelow));
  return [...there, ...below].flat().map((path) => relative(folder.root, path));
}

/** Files that the settings name, wherever they lie: keys, certificates, authorities, secrets. */
async function namedFiles(database: Database, folder: DataFolder, inFolder: readonly string[]) {
  const settings = [...["dicom", "http", "audit"].map((key) => getSetting<unknown>(database, key)), listNodes(database)];
  return Promise.all(
    [...new Set(filesNamedIn(settings))].map(async (path, index) => {
      const inside = relative(folder.root, path);
      const at = inFolder.includes(inside) ? inside : `${relative(folder.root, folder.namedFiles)}/${index + 1}-${basename(path)}`;
      return { path, at: (await isReadable(path)) ? at : null };
    }),
  );
}

/** Keys of settings that name a file; a test holds the settings to them, so that a new one is in the backup by itself. */
export const fileKeys = /^(key|certificate|authorities|\w+File)$/;

/** Whole paths under such keys, at any depth. */
export function filesNamedIn(settings: unknown): string[] {
  if (typeof settings !== "object" || settings === null) return [];
  return Object.entries(settings).flatMap(([key, value]) =>
    typeof value === "string" ? (fileKeys.test(key) && value.startsWith("/") ? [value] : []) : filesNamedIn(value),
  );
}

/** Those imported on this box; the shipped ones come with the program. */
async function installedModels(folder: DataFolder): Promise<Omit<BackupDescription["models"][number], "isIncluded">[]> {
  return (await listModels([folder.models])).flatMap((model) => {
    if (!("manifest" in model)) return [];
    const { name, version, parts } = model.manifest;
    const files = parts.flatMap(({ networks }) => networks.flatMap(filesOf));
    return [{ name, version, files: files.map(({ file, sha256, sizeBytes }) => ({ file, sha256, sizeBytes })) }];
  });
}

async function fileOf(path: string, source: string): Promise<ArchivedFile> {
  const { size } = await stat(source);
  // What is appended meanwhile belongs to the next backup
  const content = size === 0 ? oneOf(Buffer.alloc(0)) : createReadStream(source, { end: size - 1, highWaterMark: 256 * 1024 });
  return { path, sizeBytes: size, content };
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false, // absent or not for us: the description says so
  );
}
