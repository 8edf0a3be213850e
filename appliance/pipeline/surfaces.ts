import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { encodeZip, type ZipEntry } from "../base/zip.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { SurfaceForm } from "../domain/rule.ts";
import { writeDurably } from "../store/objects.ts";
import { labelSurfaces } from "../volume/mesh.ts";
import { encodeMtl, encodeObj, encodeStl, type NamedMesh } from "../volume/mesh-files.ts";
import type { LabelMap } from "../volume/volume.ts";

const [objects, materials, archive] = ["surfaces.obj", "surfaces.mtl", "surfaces-stl.zip"] as const;
export const surfaceFiles: readonly string[] = [objects, materials, archive];

/**
 * Leaves the surfaces of all structures in a folder, LPS mm: one object each under its name and colour in an OBJ, or an STL each in one
 * archive. Refused where a structure is too scattered for one.
 */
export async function writeSurfaces(form: SurfaceForm, folder: string, labelMap: LabelMap, { labels }: ModelManifest): Promise<void> {
  switch (form) {
    case "none":
      return;
    case "obj":
      await writeDurably(join(folder, objects), encodeObj(namedSurfaces(labelMap, labels), materials));
      return await writeDurably(join(folder, materials), [encodeMtl(labels)]);
    case "stl":
      return await writeDurably(join(folder, archive), encodeZip(stlFiles(labelMap, labels)));
    default:
      return form satisfies never;
  }
}

function* stlFiles(labelMap: LabelMap, labels: ModelManifest["labels"]): Generator<ZipEntry> {
  for (const named of namedSurfaces(labelMap, labels))
    yield { name: `${named.label.name.replace(/[^A-Za-z0-9_.-]/g, "_")}.stl`, bytes: Buffer.concat([...encodeStl(named)]) };
}

function* namedSurfaces(labelMap: LabelMap, labels: ModelManifest["labels"]): Generator<NamedMesh> {
  for (const mesh of labelSurfaces(labelMap)) {
    const label = labels.find(({ value }) => value === mesh.value);
    if (!label) throw new RefusedError("label-unknown", `the model names no structure ${mesh.value}`);
    yield { label, mesh };
  }
}
