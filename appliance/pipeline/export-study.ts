import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { type FileHandle, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { tarEnd, tarHeader, tarPadding } from "../base/tar.ts";
import type { ResultId, Uid } from "../domain/ids.ts";
import { addAudit, listAuditOf } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { namesIn, openIfThere } from "../store/if-there.ts";
import type { ObjectFolder } from "../store/objects.ts";
import { listResults } from "../store/results.ts";
import { listTraces } from "../store/retained-traces.ts";
import { getSeries, listFilesOf, listSeriesOfStudy } from "../store/series.ts";
import { pseudonymOf } from "./erase-study.ts";
import { readProvenance } from "./provenance.ts";

export type ExportOptions = {
  readonly database: Database;
  readonly objects: Pick<ObjectFolder, "path">;
  readonly resultFolder: (id: ResultId) => string;
  readonly softwareVersion: string;
  /** Who wants it, as the audit trail calls them. */
  readonly actor: string;
  /** UTC epoch ms. */
  readonly at: number;
};

/** A file of an export; its bytes are to be read to their end before the next one is asked for. */
export type ExportedFile = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

type ManifestFile = { readonly name: string; readonly sizeBytes: number; readonly sha256: string };

/** Made of the images and the label map for the page's viewer, and of no use elsewhere. */
const workingFiles = ["volume.i16", "labels.u8", "images.json"];
const pieceBytes = 1 << 20;

/**
 * All that is here of a study: every object that was received or made, byte for byte, what is known of them, each audit entry about them, and at
 * the end `manifest.json` with the SHA-256 of each file and what should be here and is not. The audit trail has it before the first file goes. Refused
 * where there is nothing of it.
 */
export async function* exportStudy(studyInstanceUid: Uid, options: ExportOptions): AsyncGenerator<ExportedFile, void, undefined> {
  const { database, objects, resultFolder } = options;
  const series = listSeriesOfStudy(database, studyInstanceUid).map((id) => getSeries(database, id)!);
  const traces = listTraces(database, studyInstanceUid);
  if (series.length + traces.length === 0) throw new RefusedError("not-found", "there is nothing of that study here");
  const { actor, at } = options;
  addAudit(database, { at, actor, action: "study-exported", object: pseudonymOf(studyInstanceUid), detail: {} });
  const listed: ManifestFile[] = [];
  const missing: string[] = [];

  async function* fileAt(name: string, path: string): AsyncGenerator<ExportedFile, void, undefined> {
    const file = await openIfThere(path);
    if (!file) return void missing.push(name);
    try {
      const { size } = await file.stat();
      const hash = createHash("sha256");
      yield { name, sizeBytes: size, bytes: hashed(file, hash) };
      listed.push({ name, sizeBytes: size, sha256: hash.digest("hex") });
    } finally {
      await file.close();
    }
  }
  function* json(name: string, value: unknown): Generator<ExportedFile, void, undefined> {
    const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
    yield { name, sizeBytes: bytes.length, bytes: [bytes] };
    listed.push({ name, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
  }

  const about: string[] = [pseudonymOf(studyInstanceUid)];
  for (const { id } of series) {
    about.push(`series:${id}`);
    const names = new Set<string>();
    for (const { id: instanceId, sopInstanceUid, digest } of listFilesOf(database, id)) {
      const name = `received/${id}/${sopInstanceUid}.dcm`;
      yield* fileAt(names.has(name) ? `received/${id}/${sopInstanceUid}.copy-${instanceId}.dcm` : name, objects.path(digest));
      names.add(name);
    }
    for (const result of listResults(database, id)) {
      about.push(`result:${result.id}`, ...listDeliveries(database, result.id).map((delivery) => `delivery:${delivery.id}`));
      const folder = resultFolder(result.id);
      for (const file of (await namesIn(folder)).filter((name) => !workingFiles.includes(name)))
        yield* fileAt(`made/${result.id}/${file}`, join(folder, file));
      yield* json(`made/${result.id}/provenance.json`, readProvenance(database, result.id));
    }
  }
  for (const { resultId, removedAt, provenance } of traces) {
    about.push(`result:${resultId}`, ...deliveriesIn(provenance));
    yield* json(`deleted/${resultId}/provenance.json`, { removedAt: new Date(removedAt).toISOString(), ...provenance });
  }
  yield* json("series.json", series);
  yield* json("audit.json", listAuditOf(database, about));
  yield* json("manifest.json", {
    study: studyInstanceUid,
    exportedAt: new Date(at).toISOString(),
    software: `Segbox ${options.softwareVersion}`,
    about:
      "received/SERIES: images as they came; made/RESULT: what this box made; deleted/RESULT: how a result was made that is not here any more",
    files: [...listed],
    missing,
  });
}

/** Writes an export into a new folder, made once the trail has it. How many files there are. Refused where the folder is there already. */
export async function writeExport(files: AsyncIterable<ExportedFile>, folder: string): Promise<number> {
  if (existsSync(folder)) throw new RefusedError("folder-exists", `${folder} is there already; name a new folder`);
  let count = 0;
  for await (const { name, bytes } of files) {
    if (count === 0) await mkdir(folder, { mode: 0o700 });
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, bytes, { flag: "wx", mode: 0o600 });
    count++;
  }
  return count;
}

/** An export as a tar archive in pieces. */
export async function* tarOf(files: AsyncIterable<ExportedFile>, modifiedAt: number): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { name, sizeBytes, bytes } of files) {
    yield tarHeader(name, sizeBytes, modifiedAt);
    yield* bytes;
    yield tarPadding(sizeBytes);
  }
  yield tarEnd;
}

async function* hashed(file: FileHandle, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, null);
    if (bytesRead === 0) return;
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    yield piece;
  }
}

/** As the audit trail calls the deliveries of a deleted result. */
function deliveriesIn(provenance: object): string[] {
  const { deliveries = [] } = provenance as { readonly deliveries?: readonly { readonly id: number }[] };
  return deliveries.map(({ id }) => `delivery:${id}`);
}
