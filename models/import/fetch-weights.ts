import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, RefusedError, UnavailableError } from "../../appliance/base/errors.ts";
import { usableTask } from "../catalogue/catalogue.ts";
import { unpackModel } from "./unpack.ts";

/** @source totalsegmentator/libs.py, download_pretrained_weights */
export const releases = "https://github.com/wasserth/TotalSegmentator/releases/download";

/** A published archive of one network. */
export type WeightsArchive = { readonly folder: string; readonly url: string };

/** The archives that a task's weights are published in. RefusedError where the task can't be run or its weights are not published. */
export function weightsOf(task: string, base: string): readonly WeightsArchive[] {
  return usableTask(task).parts.map(({ folder, release }) => {
    if (release === null) throw new RefusedError("weights-unpublished", `the weights ${folder} of ${task} are not published`);
    return { folder, url: `${base.replace(/\/+$/, "")}/${release}/${folder}.zip` };
  });
}

/**
 * Downloads and unpacks archives into a folder, one after the other. The digest of each is written to `fetched.json` there; one that is in it
 * already must be the same again (RefusedError "weights-changed").
 */
export async function fetchWeights(archives: readonly WeightsArchive[], to: string, say: (line: string) => void): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { folder, url } of archives) {
    const archive = join(to, `${folder}.zip`);
    try {
      const { sha256, sizeBytes } = await download(url, archive);
      say(`${folder}: ${sizeBytes} bytes, SHA-256 ${sha256}`);
      await record(to, url, sha256, sizeBytes);
      await rm(join(to, folder), { recursive: true, force: true });
      await unpackModel(archive, to);
    } finally {
      await rm(archive, { force: true });
    }
  }
}

async function download(url: string, path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const unavailable = (why: string, cause?: unknown): UnavailableError =>
    new UnavailableError("download-failed", `${url} can't be downloaded: ${why}`, { cause });
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw unavailable(messageOf((error as Error).cause ?? error), error);
  }
  if (!response.ok || !response.body) throw unavailable(`HTTP ${response.status}`);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await using file = await open(path, "w");
  try {
    for await (const piece of response.body as AsyncIterable<Uint8Array>) {
      hash.update(piece);
      sizeBytes += piece.length;
      for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
    }
  } catch (error) {
    throw unavailable(`it ended after ${sizeBytes} bytes`, error);
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

type Fetched = Readonly<Record<string, { readonly sha256: string; readonly sizeBytes: number }>>;

async function record(to: string, url: string, sha256: string, sizeBytes: number): Promise<void> {
  const path = join(to, "fetched.json");
  const known = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as Fetched;
  const before = known[url];
  if (before && before.sha256 !== sha256)
    throw new RefusedError("weights-changed", `${url}: expected SHA-256 ${before.sha256} as fetched before, found ${sha256}`);
  await writeFile(`${path}.new`, `${JSON.stringify({ ...known, [url]: { sha256, sizeBytes } }, null, 2)}\n`);
  await rename(`${path}.new`, path);
}
