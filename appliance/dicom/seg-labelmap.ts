import { cross, type Grid, isEven, length } from "../volume/grid.ts";
import type { LabelMap } from "../volume/volume.ts";
import type { FrameCompression } from "./frame-compression.ts";
import { type SegmentationRequest, segmentedStructures, segmentItem, structureItem, writeSegmentation } from "./segmentation.ts";
import { refuseTooLarge } from "./segmentation-frames.ts";
import { sopClass } from "./sop-classes.ts";
import { type Item, type Streamed, text, unsignedShort } from "./write.ts";

export type LabelMapSegmentationRequest = SegmentationRequest & {
  /** Of the pixels, to a few hundredths of their size; null, unless asked otherwise: explicit VR little endian, which every peer reads. */
  readonly compression?: FrameCompression | null;
};

/**
 * A Label Map Segmentation (PS3.3 A.51 with Segmentation Type LABELMAP, Supplement 243) as a Part 10 file in pieces: one frame for each
 * slice of the source, whether it holds a structure or not, and a pixel is the number of its segment. Segments are numbered as in the binary
 * SEG, 1 for the first label that has voxels; 0 is the background. A label map has at most 255 labels, so 8 bits always do. Refused: as
 * {@link encodeSeg}.
 */
export function encodeSegLabelmap(request: LabelMapSegmentationRequest): Iterable<Uint8Array> {
  const { labelMap, compression = null } = request;
  const structures = segmentedStructures(request);
  const isEmpty = structures.every(({ found }) => found.voxels === 0);
  const frameCount = isEmpty ? 1 : labelMap.grid.dims[2];
  const segmentOfLabel = new Uint8Array(256);
  for (const [index, { label }] of structures.entries()) segmentOfLabel[label.value] = index + 1;
  const frames = () => segmentFrames(labelMap, frameCount, segmentOfLabel);
  return writeSegmentation(request, {
    type: "LABELMAP",
    sopClassUid: sopClass.labelMapSegmentationStorage,
    ...(compression && { transferSyntaxUid: compression.transferSyntaxUid }),
    // The background stands last: readers that take a segment's place in the sequence for its number then name the others rightly.
    segments: [...structures.map((structure, index) => structureItem(structure, index + 1, request)), segmentItem(background, 0, request)],
    frames: Array.from({ length: frameCount }, (_, k) => ({ k, segment: null })),
    bitsPerPixel: 8,
    pixelData: compression ? encapsulated(frames, compression, labelMap.grid) : native(frames, frameCount, labelMap.grid),
    more: [
      unsignedShort(0x00280120, 0), // Pixel Padding Value: the segment that readers are to leave out
      ...(frameCount > 1 ? dimensionOrganizationType(labelMap.grid) : []),
    ],
  });
}

/** What no structure claims; it has to be described because its pixels are there (PS3.3 C.8.20.2.3). Codes of PS3.16 CID 7150 and annex D. */
const background = {
  name: "background",
  title: "Background",
  category: { value: "309825002", scheme: "SCT", meaning: "Spatial and Relational Concept" },
  type: { value: "125040", scheme: "DCM", meaning: "Background" },
  modifiers: [],
  anatomicRegion: null,
  color: [0, 0, 0],
} as const;

/** 3D says that frames lie evenly along their normal (PS3.3 C.7.6.17), which slices of a tilted gantry and uneven ones do not. */
function dimensionOrganizationType(grid: Grid): Item {
  if (!isEven(grid)) return [];
  const [row, column, slice] = grid.steps;
  const normal = cross(row, column);
  const isAlongNormal = length(cross(normal, slice)) <= 1e-4 * length(normal) * length(slice);
  return isAlongNormal ? [text(0x00209311, "CS", "3D")] : [];
}

/** The first slices of a label map with segment numbers for labels. A frame is overwritten once the next is asked for. */
function* segmentFrames({ grid, labels }: LabelMap, count: number, segmentOfLabel: Uint8Array): Generator<Uint8Array, void, undefined> {
  const pixels = grid.dims[0] * grid.dims[1];
  const frame = new Uint8Array(pixels);
  for (let k = 0; k < count; k++) {
    for (let at = 0, from = pixels * k; at < pixels; at++) frame[at] = segmentOfLabel[labels[from + at]!]!;
    yield frame;
  }
}

function native(frames: () => Iterable<Uint8Array>, frameCount: number, { dims: [columns, rows] }: Grid): Streamed {
  const sizeBytes = frameCount * rows * columns;
  refuseTooLarge(sizeBytes, frameCount);
  return { sizeBytes, pieces: frames };
}

/** One fragment a frame after an empty Basic Offset Table, so that no frame needs to be compressed before its time. PS3.5 A.4 and A.4.2. */
function encapsulated(frames: () => Iterable<Uint8Array>, { encoder }: FrameCompression, { dims: [columns, rows] }: Grid): Streamed {
  const pieces = function* (): Iterable<Uint8Array> {
    const head = Buffer.from("feff00e000000000", "hex");
    const encode = encoder(rows, columns);
    yield Uint8Array.from(head);
    for (const frame of frames()) {
      const fragment = encode(frame);
      head.writeUInt32LE(fragment.length, 4);
      yield head;
      yield fragment;
    }
  };
  return { sizeBytes: null, pieces };
}
