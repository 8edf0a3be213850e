import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { InferenceTrace } from "../domain/result.ts";
import { filesOf, type LoadedModel, readModel } from "../inference/models.ts";

/**
 * Digests of what decides a result: of the networks from the manifest, which are checked as they are opened, of plans and dataset from the files.
 * Of a model that crops the CT first too, under its name: `total-fast/main.onnx`.
 *
 * @param cropBy another installed model that crops where the model itself names none
 */
export async function modelFilesOf({ folder, manifest }: LoadedModel, cropBy: string | null): Promise<InferenceTrace["modelFiles"]> {
  const texts = await Promise.all(
    manifest.parts
      .flatMap(({ nnunet }) => [nnunet.plans, nnunet.dataset])
      .map(async (file) => ({
        file,
        sha256: createHash("sha256")
          .update(await readFile(join(folder, file)))
          .digest("hex"),
      })),
  );
  const networks = manifest.parts.flatMap(({ networks }) => networks.flatMap(filesOf));
  const own = [...networks.map(({ file, sha256 }) => ({ file, sha256 })), ...texts];
  const cropping = manifest.crop?.model ?? cropBy;
  if (cropping === null) return own;
  const others = await modelFilesOf(await readModel(join(folder, "..", cropping)), null);
  return [...own, ...others.map(({ file, sha256 }) => ({ file: `${cropping}/${file}`, sha256 }))];
}
