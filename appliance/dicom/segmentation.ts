import type { Uid } from "../domain/ids.ts";
import type { Label, ModelManifest } from "../domain/model.ts";
import type { LabelMap } from "../volume/volume.ts";
import { cielabOfSrgb } from "./cielab.ts";
import {
  codeItem,
  codeSequence,
  creation,
  frameOfReferenceElements,
  imageReference,
  patientAndStudyElements,
  type ResultHead,
  seriesAndEquipmentElements,
  sourceInstances,
  sourceSeriesUid,
} from "./header.ts";
import { type Frame, frameElements } from "./segmentation-frames.ts";
import type { SourceSeries } from "./source.ts";
import { algorithmItem, findStructures, refuseEmpty, type Structure, trackingIdentifier, trackingUid } from "./structures.ts";
import { derivedUid } from "./uids.ts";
import { type Element, type Item, plainText, raw, type Streamed, sequence, text, unsignedShort, writePart10 } from "./write.ts";

export type SegmentationRequest = ResultHead & {
  /** On the grid of the source; refused otherwise. */
  readonly labelMap: LabelMap;
  readonly manifest: ModelManifest;
  /**
   * Makes a result without any voxel one frame of zeros, in the first slice, with every structure of the model described: what was looked
   * for. Without it such a result is refused (`segmentation-empty`), because a segmentation without a frame is not valid.
   */
  readonly emptyFrame?: boolean;
};

/** What tells one kind of segmentation from another. */
export type SegmentationImage = {
  readonly type: "BINARY" | "LABELMAP";
  readonly sopClassUid: Uid;
  /** Explicit VR little endian unless the pixels are encapsulated. */
  readonly transferSyntaxUid?: Uid;
  readonly segments: readonly Item[];
  readonly frames: readonly Frame[];
  readonly bitsPerPixel: 1 | 8;
  readonly pixelData: Streamed;
  /** Elements that this kind has over those that all have. */
  readonly more?: Item;
};

/** The modules of the Segmentation and the Label Map Segmentation IOD (PS3.3 A.51), as a Part 10 file in pieces. */
export function writeSegmentation(request: SegmentationRequest, image: SegmentationImage): Iterable<Uint8Array> {
  const { source, manifest, uids } = request;
  const { sopClassUid, transferSyntaxUid, bitsPerPixel } = image;
  const { date, time } = creation(request);
  const [columns, rows] = source.grid.dims;
  const elements: Item = [
    ...patientAndStudyElements(source),
    ...seriesAndEquipmentElements(request, "SEG", sopClassUid),
    ...frameOfReferenceElements(source),
    // Segmentation Image, PS3.3 C.8.20.2
    text(0x00080008, "CS", "DERIVED", "PRIMARY"),
    text(0x00080023, "DA", date),
    text(0x00080033, "TM", time),
    text(0x00700080, "CS", "SEGMENTATION"), // Content Label
    text(0x00700081, "LO", plainText(`${manifest.title}, not reviewed`, 64)), // Content Description
    text(0x00700084, "PN", `${plainText(request.device.manufacturer, 63)}^`), // Content Creator's Name: a family name only
    ...lossyCompression(source),
    text(0x00620001, "CS", image.type),
    text(0x00620013, "CS", "NO"), // Segments Overlap: a voxel has one label
    sequence(0x00620002, ...image.segments),
    // Image Pixel, PS3.3 C.7.6.3
    unsignedShort(0x00280002, 1),
    text(0x00280004, "CS", "MONOCHROME2"),
    unsignedShort(0x00280010, rows),
    unsignedShort(0x00280011, columns),
    unsignedShort(0x00280100, bitsPerPixel),
    unsignedShort(0x00280101, bitsPerPixel),
    unsignedShort(0x00280102, bitsPerPixel - 1),
    unsignedShort(0x00280103, 0),
    ...frameElements(image.frames, source, derivedUid(uids.sopInstanceUid, "dimension-organization")),
    referencedSeries(source),
    ...(image.more ?? []),
    { tag: 0x7fe00010, vr: "OB", value: image.pixelData },
  ];
  return writePart10({
    sopClassUid,
    sopInstanceUid: uids.sopInstanceUid,
    encoding: "explicit",
    ...(transferSyntaxUid ? { transferSyntaxUid } : {}),
    elements,
  });
}

/** The structures that a segmentation describes, in the order of their segment numbers, which start at 1; all those of the model, none with a voxel, when an empty frame is to say that nothing was found. */
export function segmentedStructures({ source, labelMap, manifest, emptyFrame = false }: SegmentationRequest): Structure[] {
  const structures = findStructures(source, labelMap, manifest);
  if (structures.length > 0) return structures;
  if (!emptyFrame) refuseEmpty(manifest);
  return manifest.labels
    .toSorted((a, b) => a.value - b.value)
    .map((label) => ({ label, found: { label: label.value, voxels: 0, slices: [] } }));
}

/** A structure as a segment, PS3.3 C.8.20.2 and C.8.20.4. */
export function structureItem({ label }: Structure, segment: number, request: SegmentationRequest): Item {
  const { sopInstanceUid } = request.uids;
  return [
    ...segmentItem(label, segment, request),
    text(0x00620020, "UT", trackingIdentifier(sopInstanceUid, label)),
    text(0x00620021, "UI", trackingUid(sopInstanceUid, label)),
  ];
}

/** A segment that nobody follows over time. */
export function segmentItem(
  label: Pick<Label, "name" | "title" | "category" | "type" | "modifiers" | "anatomicRegion" | "color">,
  segment: number,
  { manifest }: SegmentationRequest,
): Item {
  const { name, version } = manifest.algorithm;
  return [
    unsignedShort(0x00620004, segment),
    text(0x00620005, "LO", plainText(label.title, 64)),
    text(0x00620006, "ST", plainText(`${label.name}: AI-generated by ${name} ${version}, not reviewed`, 1024)),
    text(0x00620008, "CS", "AUTOMATIC"),
    text(0x00620009, "LO", plainText(name, 64)),
    sequence(0x00620007, algorithmItem(manifest)),
    codeSequence(0x00620003, label.category),
    sequence(0x0062000f, [...codeItem(label.type), ...(label.modifiers.length > 0 ? [codeSequence(0x00620011, ...label.modifiers)] : [])]),
    ...(label.anatomicRegion ? [codeSequence(0x00082218, label.anatomicRegion)] : []),
    unsignedShort(0x0062000d, ...cielabOfSrgb(label.color)),
  ];
}

/** Common Instance Reference, PS3.3 C.12.2: the whole series, which is what was segmented. */
export function referencedSeries(source: SourceSeries): Element {
  return sequence(0x00081115, [
    text(0x0020000e, "UI", sourceSeriesUid(source)),
    sequence(
      0x0008114a,
      ...sourceInstances(source).map(({ sopClassUid, sopInstanceUid }) => imageReference(sopClassUid, sopInstanceUid, [])),
    ),
  ]);
}

/** PS3.3 C.7.6.1.1.5: an image derived from a lossy one stays marked. */
export function lossyCompression({ attributes }: SourceSeries): Item {
  const bytes = (tag: number) => attributes.get(tag)?.bytes ?? new Uint8Array();
  if (Buffer.from(bytes(0x00282110)).toString("latin1").trim() !== "01") return [text(0x00282110, "CS", "00")];
  const ratioAndMethod = [raw(0x00282112, "DS", bytes(0x00282112)), raw(0x00282114, "CS", bytes(0x00282114))];
  return [text(0x00282110, "CS", "01"), ...ratioAndMethod.filter(({ tag }) => bytes(tag).length > 0)];
}
