import { RefusedError } from "../base/errors.ts";
import type { Uid } from "../domain/ids.ts";
import type { Label, ModelManifest } from "../domain/model.ts";
import { dot, type Grid, length, sliceOrigin, spacingMm, subtract, voxelCount } from "../volume/grid.ts";
import { findLabelSlices, type LabelSlices } from "../volume/label-slices.ts";
import type { LabelMap } from "../volume/volume.ts";
import { codeSequence } from "./header.ts";
import type { SourceSeries } from "./source.ts";
import { derivedUid } from "./uids.ts";
import { type Item, plainText, text } from "./write.ts";

/** A label that has voxels: its meaning, and where it lies. */
export type Structure = { readonly label: Label; readonly found: LabelSlices };

/**
 * The structures that the encoders write, by label number. Refuses a label map that is not on the source's grid, one with a label that
 * the model does not name, and one with nothing in it: neither a SEG nor an RTSTRUCT can say "nothing found".
 */
export function structuresToEncode(source: SourceSeries, labelMap: LabelMap, manifest: ModelManifest): Structure[] {
  const structures = findStructures(source, labelMap, manifest);
  if (structures.length === 0) refuseEmpty(manifest);
  return structures;
}

/** As {@link structuresToEncode}, but there may be none. */
export function findStructures(source: SourceSeries, labelMap: LabelMap, manifest: ModelManifest): Structure[] {
  refuseOtherGrid(source, labelMap);
  return findLabelSlices(labelMap).map((found) => {
    const label = manifest.labels.find(({ value }) => value === found.label);
    if (!label)
      throw new RefusedError(
        "label-unknown",
        `expected labels of model ${manifest.name} ${manifest.version}, found ${found.label} in ${found.voxels} voxels`,
      );
    return { label, found };
  });
}

export function refuseEmpty({ labels }: ModelManifest): never {
  throw new RefusedError("segmentation-empty", `expected at least one voxel of ${labels.length} structures, found none`);
}

/** A structure's Tracking UID in the objects of one result. */
export function trackingUid(sopInstanceUid: Uid, label: Label): Uid {
  return derivedUid(sopInstanceUid, `tracking/${label.value}`);
}

/** What people call that structure by; the end of its UID keeps it apart from those of other results. */
export function trackingIdentifier(sopInstanceUid: Uid, label: Label): string {
  return plainText(`${label.name} ${trackingUid(sopInstanceUid, label).slice(-8)}`, 1024);
}

/** The model and its networks, so that two results can be told to come from the same one. */
export function algorithmParameters(manifest: ModelManifest): string {
  const networks = manifest.parts.flatMap(({ networks }) => networks).map(({ precision, sha256 }) => `${precision} sha256:${sha256}`);
  return plainText(`model ${manifest.name} ${manifest.version}; ${networks.join("; ")}`, 10240);
}

/** PS3.16 CID 7162. */
export const algorithmFamily = { value: "123110", scheme: "DCM", meaning: "Artificial Intelligence" } as const;

/** PS3.3 table 10-19, Algorithm Identification Macro. */
export function algorithmItem(manifest: ModelManifest): Item {
  return [
    codeSequence(0x0066002f, algorithmFamily),
    text(0x00660036, "LO", plainText(manifest.algorithm.name, 64)),
    text(0x00660031, "LO", plainText(manifest.algorithm.version, 64)),
    text(0x00660032, "LT", algorithmParameters(manifest)),
  ];
}

function refuseOtherGrid({ grid, slices }: SourceSeries, labelMap: LabelMap): void {
  const refuse = (what: string): never => {
    throw new RefusedError("grid-differs", `expected a label map on the grid of its source, ${what}`);
  };
  const [ni, nj, nk] = grid.dims;
  const shown = ({ dims }: Grid) => dims.join("x");
  if (shown(grid) !== shown(labelMap.grid)) refuse(`found ${shown(labelMap.grid)} voxels for ${shown(grid)}`);
  if (labelMap.labels.length !== voxelCount(grid)) refuse(`found ${labelMap.labels.length} voxels for ${voxelCount(grid)}`);
  if (slices.length !== nk) refuse(`found ${slices.length} source images for ${nk} slices`);
  let offMm = Math.max(...[ni, nj].map((count, axis) => count * length(subtract(grid.steps[axis]!, labelMap.grid.steps[axis]!))));
  for (let k = 0; k < nk; k++) offMm = Math.max(offMm, length(subtract(sliceOrigin(grid, k), sliceOrigin(labelMap.grid, k))));
  if (!(offMm < 0.001)) refuse(`found one that lies ${offMm.toFixed(3)} mm off`);
  const [row, column] = grid.steps;
  const [rowMm, columnMm] = spacingMm(grid);
  if (!(Math.abs(dot(row, column)) <= 1e-4 * rowMm * columnMm))
    throw new RefusedError("grid-sheared", "expected rows and columns at a right angle, as an image plane has them");
}
