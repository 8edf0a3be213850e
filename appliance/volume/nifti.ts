import type { Grid } from "./grid.ts";
import { spacingMm } from "./grid.ts";
import { regularGridOf } from "./regular-grid.ts";
import { restackLabels } from "./restack.ts";
import type { LabelMap } from "./volume.ts";

/** How a label is called and shown; what a model's manifest lists has it all. */
export type NamedLabel = { readonly value: number; readonly name: string; readonly color: readonly [r: number, g: number, b: number] };

const headerBytes = 352;

/** A slant that moves no slice of a patient by more than a tenth of a millimetre: what float32 affines and decimal strings leave. */
const straightDegrees = 0.01;

/**
 * A label map as a NIfTI-1 file in memory, uncompressed, uint8. NIfTI's world is RAS, so x and y change sign; both sform and qform are not
 * needed: the sform alone says it exactly. One affine can't say where uneven slices lie, and of sheared ones ITK's readers refuse the affine
 * or silently take the nearest one at right angles: those label maps come on their regular grid, by nearest voxel. Given labels go with it by name and colour, in a header
 * extension as TotalSegmentator writes it; readers that do not know it step over it.
 *
 * @source nifti.nimh.nih.gov, nifti1.h
 */
export function encodeNifti(labelMap: LabelMap, labels: readonly NamedLabel[] = []): Uint8Array {
  const regular = regularGridOf(labelMap.grid, straightDegrees);
  const { grid, labels: voxels } = regular === null ? labelMap : restackLabels(labelMap, regular);
  const extension = labels.length > 0 ? labelTableExtension(labels) : new Uint8Array(0);
  const voxelsAt = headerBytes + extension.length;
  const bytes = new Uint8Array(voxelsAt + voxels.length);
  const view = new DataView(bytes.buffer);
  const [ni, nj, nk] = grid.dims;
  const [di, dj, dk] = spacingMm(grid);
  view.setInt32(0, 348, true);
  for (const [index, value] of [3, ni, nj, nk, 1, 1, 1, 1].entries()) view.setInt16(40 + 2 * index, value, true);
  view.setInt16(70, 2, true); // datatype: unsigned 8 bit
  view.setInt16(72, 8, true); // bits per voxel
  for (const [index, value] of [1, di, dj, dk].entries()) view.setFloat32(76 + 4 * index, value, true);
  view.setFloat32(108, voxelsAt, true); // vox_offset
  view.setFloat32(112, 1, true); // scl_slope
  view.setUint8(123, 2); // xyzt_units: mm
  view.setInt16(254, 2, true); // sform_code: aligned to another file's scanner coordinates
  for (const [row, values] of rasAffineFrom(grid).entries())
    for (const [column, value] of values.entries()) view.setFloat32(280 + 16 * row + 4 * column, value, true);
  bytes.set(new TextEncoder().encode("n+1\0"), 344);
  view.setUint8(348, extension.length > 0 ? 1 : 0); // extension flag
  bytes.set(extension, headerBytes);
  bytes.set(voxels, voxelsAt);
  return bytes;
}

/** Rows x, y, z of the affine from ijk to RAS mm. */
function rasAffineFrom({ origin, steps: [a, b, c] }: Grid): number[][] {
  return [-1, -1, 1].map((sign, axis) => [a, b, c, origin].map((vector) => sign * (vector[axis] ?? 0) + 0));
}

/**
 * A Caret label table (XML) as a header extension: its size, a multiple of 16; code 0, as TotalSegmentator has it (30 is registered for
 * Caret, but readers of TotalSegmentator's files take the first extension whatever its code); the text, filled up with blanks, since
 * an XML parser stumbles over zero bytes at the end.
 *
 * @source wasserth/TotalSegmentator, totalsegmentator/nifti_ext_header.py; nifti1.h, nifti1_extension
 */
function labelTableExtension(labels: readonly NamedLabel[]): Uint8Array {
  const rows = labels.map(({ value, name, color }) => {
    const [red, green, blue] = color.map((part) => (part / 255).toFixed(4));
    return `<Label Key="${value}" Red="${red}" Green="${green}" Blue="${blue}" Alpha="1">${cdata(name)}</Label>\n`;
  });
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<CaretExtension><VolumeInformation Index="0"><LabelTable>
${rows.join("")}</LabelTable><StudyMetaDataLinkSet></StudyMetaDataLinkSet><VolumeType>${cdata("Label")}</VolumeType></VolumeInformation></CaretExtension>
`;
  const text = new TextEncoder().encode(xml);
  const bytes = new Uint8Array(Math.ceil((8 + text.length) / 16) * 16).fill(0x20);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length, true);
  view.setInt32(4, 0, true);
  bytes.set(text, 8);
  return bytes;
}

/** Text that XML takes as it is. `]]>` would end it, so it is split between two sections. */
function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}
