import type { LabelSlices } from "../volume/label-slices.ts";
import type { LabelMap } from "../volume/volume.ts";
import { packFrames } from "./pack-frames.ts";
import { type SegmentationRequest, segmentedStructures, structureItem, writeSegmentation } from "./segmentation.ts";
import { type Frame, refuseTooLarge } from "./segmentation-frames.ts";
import { sopClass } from "./sop-classes.ts";
import type { Streamed } from "./write.ts";

export type { SegmentationRequest } from "./segmentation.ts";

/**
 * A binary, multi-segment DICOM SEG (PS3.3 A.51) as a Part 10 file in pieces. Segments are the labels that have voxels, numbered from 1;
 * frames are ordered by segment, then by slice, and a slice without the structure has none. What is held beside the label map is a piece of
 * the pixels (32 MB) and some bytes for each frame.
 *
 * Refused: another grid than the source's (`grid-differs`), a label without a meaning (`label-unknown`), no voxel at all unless an empty
 * frame is asked for (`segmentation-empty`), more than a file's 32-bit lengths can say (`segmentation-too-large`), a source without study
 * or series UID.
 */
export function encodeSeg(request: SegmentationRequest): Iterable<Uint8Array> {
  const structures = segmentedStructures(request);
  const found = framesOf(structures.map((structure) => structure.found));
  const frames = found.flatMap(({ slices }, index) => slices.map(({ k }): Frame => ({ segment: index + 1, k })));
  return writeSegmentation(request, {
    type: "BINARY",
    sopClassUid: sopClass.segmentationStorage,
    segments: structures.map((structure, index) => structureItem(structure, index + 1, request)),
    frames,
    bitsPerPixel: 1,
    pixelData: pixelData(found, frames.length, request.labelMap),
  });
}

/** The slices that get a frame: those that hold the label. When none holds any, the first slice for the first label, with no pixel in it. */
function framesOf(found: readonly LabelSlices[]): readonly LabelSlices[] {
  const [first, ...others] = found;
  if (!first || found.some(({ voxels }) => voxels > 0)) return found;
  return [{ ...first, slices: [{ k: 0, voxels: 0, box: { iMin: 0, iMax: -1, jMin: 0, jMax: -1 } }] }, ...others];
}

function pixelData(found: readonly LabelSlices[], frameCount: number, labelMap: LabelMap): Streamed {
  const [columns, rows] = labelMap.grid.dims;
  const sizeBytes = Math.ceil((frameCount * rows * columns) / 8);
  refuseTooLarge(sizeBytes, frameCount);
  return { sizeBytes, pieces: () => packFrames(labelMap, found) };
}
