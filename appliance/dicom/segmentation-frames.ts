import { RefusedError } from "../base/errors.ts";
import { type Grid, isEven, scale, slabsMm, sliceOrigin, spacingMm } from "../volume/grid.ts";
import { codeSequence, imageReference } from "./header.ts";
import type { SourceSeries, SourceSlice } from "./source.ts";
import {
  attributeTag,
  decimal,
  type Element,
  encodeElements,
  type Item,
  largestValueBytes,
  type Streamed,
  sequence,
  text,
  unsignedLong,
  unsignedShort,
} from "./write.ts";

/** One frame of a segmentation: a slice, and the one segment that the frame is of; null when its pixels say which. */
export type Frame = { readonly k: number; readonly segment: number | null };

/** Multi-frame Functional Groups and Dimension, PS3.3 C.7.6.16 and C.7.6.17: the frames in order, indexed by their segment, if they have one, and their place. */
export function frameElements(frames: readonly Frame[], source: SourceSeries, dimensionUid: string): Item {
  const isBySegment = frames.some(({ segment }) => segment !== null);
  return [
    text(0x00280008, "IS", String(frames.length)),
    sequence(0x00209221, [text(0x00209164, "UI", dimensionUid)]),
    sequence(
      0x00209222,
      ...(isBySegment ? [dimensionItem(dimensionUid, 0x0062000b, 0x0062000a, "Segment number")] : []),
      dimensionItem(dimensionUid, 0x00200032, 0x00209113, "Position of the slice"),
    ),
    sequence(0x52009229, sharedGroups(source.grid)),
    { tag: 0x52009230, vr: "SQ", value: perFrameGroups(frames, source) },
  ];
}

function dimensionItem(dimensionUid: string, pointer: number, group: number, description: string): Item {
  return [
    text(0x00209164, "UI", dimensionUid),
    attributeTag(0x00209165, pointer),
    attributeTag(0x00209167, group),
    text(0x00209421, "LO", description),
  ];
}

/** What holds for every frame: plane orientation, and pixel measures where slices are even. */
function sharedGroups(grid: Grid): Item {
  const [rowStep, columnStep] = grid.steps;
  const [columnMm, rowMm] = spacingMm(grid); // i runs across columns
  return [
    ...(isEven(grid) ? [pixelMeasures(grid, slabsMm(grid)[0]!)] : []),
    sequence(0x00209116, [decimal(0x00200037, ...scale(rowStep, 1 / columnMm), ...scale(columnStep, 1 / rowMm))]),
  ];
}

/**
 * Pixel measures of even slices, or of one uneven one. Slice Thickness is the slab that the slice stands for, not the thickness that the scanner
 * reconstructed: a voxel of the label map holds the room half-way to its neighbours. It is measured along the normal of the planes, so that
 * slices of a tilted gantry, which are shifted within their planes, get it right too. Only even slices have one Spacing Between Slices.
 */
function pixelMeasures(grid: Grid, slabMm: number): Element {
  const [columnMm, rowMm] = spacingMm(grid);
  const between = isEven(grid) ? [decimal(0x00180088, slabMm)] : [];
  return sequence(0x00289110, [decimal(0x00180050, slabMm), ...between, decimal(0x00280030, rowMm, columnMm)]);
}

/**
 * Per-frame functional groups. All that depends on the slice (position, source image) is the same bytes for each segment, and all that
 * depends on the segment is of one length, so the length of the whole is known before a frame is written.
 */
function perFrameGroups(frames: readonly Frame[], source: SourceSeries): Streamed {
  const positions = [...new Set(frames.map(({ k }) => k))].sort((a, b) => a - b);
  const positionIndex = new Map(positions.map((k, index) => [k, index + 1]));
  const { grid } = source;
  const slabs = isEven(grid) ? null : slabsMm(grid);
  const bySlice = new Map(
    positions.map((k) => [
      k,
      {
        derivation: encodeElements([derivationImage(source.slices[k]!)], "explicit"),
        position: encodeElements([sequence(0x00209113, [decimal(0x00200032, ...sliceOrigin(grid, k))])], "explicit"),
        measures: slabs ? encodeElements([pixelMeasures(grid, slabs[k]!)], "explicit") : new Uint8Array(),
      },
    ]),
  );
  // What differs from frame to frame stands at the end of these; the rest is made once.
  const content = (...indexValues: readonly number[]) =>
    Buffer.from(encodeElements([sequence(0x00209111, [unsignedLong(0x00209157, ...indexValues)])], "explicit"));
  const contentOfSlice = content(0);
  const contentOfSegment = content(0, 0);
  const segmentNumber = Buffer.from(encodeElements([sequence(0x0062000a, [unsignedShort(0x0062000b, 0)])], "explicit"));
  const itemBytes = ({ k, segment }: Frame) => {
    const { derivation, position, measures } = bySlice.get(k)!;
    const ofSlice = derivation.length + position.length + measures.length;
    return ofSlice + (segment === null ? contentOfSlice.length : contentOfSegment.length + segmentNumber.length);
  };
  const sizeBytes = frames.reduce((sum, frame) => sum + 8 + itemBytes(frame), 0);
  refuseTooLarge(sizeBytes, frames.length);
  const pieces = function* (): Iterable<Uint8Array> {
    const head = Buffer.from("feff00e000000000", "hex");
    for (const frame of frames) {
      const { derivation, position, measures } = bySlice.get(frame.k)!;
      const { segment } = frame;
      const indexed = segment === null ? contentOfSlice : contentOfSegment;
      head.writeUInt32LE(itemBytes(frame), 4);
      if (segment !== null) indexed.writeUInt32LE(segment, indexed.length - 8);
      indexed.writeUInt32LE(positionIndex.get(frame.k)!, indexed.length - 4);
      yield head;
      yield derivation; // (0008,9124)
      yield indexed; // (0020,9111)
      yield position; // (0020,9113)
      yield measures; // (0028,9110)
      if (segment === null) continue;
      segmentNumber.writeUInt16LE(segment, segmentNumber.length - 2);
      yield segmentNumber; // (0062,000A)
    }
  };
  return { sizeBytes, pieces };
}

/** PS3.3 C.7.6.16.2.6, with the purposes of PS3.16 CID 7203 and CID 7202. */
function derivationImage({ sopClassUid, sopInstanceUid, frameNumber }: SourceSlice): Element {
  return sequence(0x00089124, [
    codeSequence(0x00089215, { value: "113076", scheme: "DCM", meaning: "Segmentation" }),
    sequence(0x00082112, [
      ...imageReference(sopClassUid, sopInstanceUid, frameNumber === null ? [] : [frameNumber]),
      codeSequence(0x0040a170, { value: "121322", scheme: "DCM", meaning: "Source image for image processing operation" }),
      text(0x0028135a, "CS", "YES"), // Spatial Locations Preserved
    ]),
  ]);
}

/** Refuses a value of the frames that a file's 32-bit lengths cannot say. */
export function refuseTooLarge(sizeBytes: number, frameCount: number): void {
  if (sizeBytes > largestValueBytes)
    throw new RefusedError(
      "segmentation-too-large",
      `a DICOM value holds at most 4 GiB, ${frameCount} frames need ${(sizeBytes / 2 ** 30).toFixed(1)} GiB`,
    );
}
