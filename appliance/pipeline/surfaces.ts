import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import type { ModelManifest } from "../domain/model.ts";
import { writeDurably } from "../store/objects.ts";
import { labelSurfaces } from "../volume/mesh.ts";
import { encodeMtl, encodeObj, type NamedMesh } from "../volume/mesh-files.ts";
import type { LabelMap } from "../volume/volume.ts";

const [objects, materials] = ["surfaces.obj", "surfaces.mtl"] as const;
export const surfaceFiles: readonly string[] = [objects, materials];

/**
 * Leaves the surfaces of all structures in a folder, one object each under its name and colour, LPS mm; none where they can't be had, which
 * the notes say.
 */
export async function writeSurfaces(folder: string, labelMap: LabelMap, { labels }: ModelManifest): Promise<string[]> {
  try {
    await writeDurably(join(folder, objects), encodeObj(namedSurfaces(labelMap, labels), materials));
    await writeDurably(join(folder, materials), [encodeMtl(labels)]);
    return [];
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return [`no surfaces were written: ${error.message}`]; // too scattered for one: the result itself is none the worse
  }
}

function* namedSurfaces(labelMap: LabelMap, labels: ModelManifest["labels"]): Generator<NamedMesh> {
  for (const mesh of labelSurfaces(labelMap)) {
    const label = labels.find(({ value }) => value === mesh.value);
    if (!label) throw new RefusedError("label-unknown", `the model names no structure ${mesh.value}`);
    yield { label, mesh };
  }
}
