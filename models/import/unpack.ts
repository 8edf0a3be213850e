import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import { ZipArchive } from "./zip.ts";

/** What an archive of a model may hold for us; whatever else is in it stays there. Only names that can't lead out of the folder match. */
const wanted = [
  /^(?:[\w.-]+\/)*(?:Dataset\d{3}_[\w.-]+\/)?[\w.-]+__[\w.-]+__[\w.-]+\/(?:plans\.json|dataset\.json|fold_(?:\d{1,3}|all)\/checkpoint_final\.pth)$/,
  /^(?:[\w.-]+\/)?(?:manifest\.json|(?:[\w.-]+\/)*[\w.-]+\.(?:json|onnx|data|bin|md))$/,
];
const trainedPath = /(?:Dataset\d{3}_[\w.-]+\/)?[\w.-]+__[\w.-]+__[\w.-]+\/[^/]+(?:\/[^/]+)?$/;
/** Of everything together. Larger models come as folders. */
const mostBytes = 64 * 1024 ** 3;

/**
 * Unpacks what belongs to a model into an empty folder, piece by piece: nnU-Net's results folder, or a folder with a manifest. An archive inside
 * the archive (a checkpoint is one) stays as it is.
 */
export async function unpackModel(archivePath: string, folder: string): Promise<void> {
  await using archive = await ZipArchive.open(archivePath);
  const entries = [...archive.entries.values()].filter(
    ({ name }) => wanted.some((pattern) => pattern.test(name)) && !name.split("/").some((part) => /^\.+$/.test(part)),
  );
  const trained = entries.filter(({ name }) => wanted[0]!.test(name));
  const chosen = trained.length > 0 ? trained : entries;
  const total = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > mostBytes) throw new RefusedError("archive-too-large", `it would unpack to ${total} bytes, expected at most ${mostBytes}`);
  const prefix = trained.length > 0 ? undefined : manifestFolder(chosen.map(({ name }) => name));
  for (const entry of chosen) {
    const inside = prefix === undefined ? (trainedPath.exec(entry.name)?.[0] ?? "") : entry.name.slice(prefix.length);
    if (inside === "" || (prefix !== undefined && !entry.name.startsWith(prefix))) continue;
    const path = join(folder, inside);
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, "wx");
    await archive.pour(entry, async (piece) => {
      for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
    });
  }
}

/** The folder in the archive that the manifest lies in, with its slash; empty at the top. */
function manifestFolder(names: readonly string[]): string {
  const manifest = names.find((name) => /^(?:[\w.-]+\/)?manifest\.json$/.test(name));
  if (manifest === undefined)
    throw new RefusedError(
      "archive-no-model",
      "the archive holds no model: expected nnU-Net's TRAINER__PLANS__CONFIGURATION/plans.json, or a manifest.json",
    );
  return manifest.slice(0, manifest.length - "manifest.json".length);
}
