import type { ModelManifest } from "../domain/model.ts";
import {
  codeSequence,
  creation,
  imageReference,
  patientAndStudyElements,
  type ResultHead,
  seriesAndEquipmentElements,
  sourceInstances,
} from "./header.ts";
import { lossyCompression, referencedSeries } from "./segmentation.ts";
import { sopClass } from "./sop-classes.ts";
import { type Item, plainText, sequence, text, unsignedShort, writePart10 } from "./write.ts";

export type SecondaryCaptureRequest = ResultHead & {
  readonly manifest: ModelManifest;
  /** sRGB, three bytes a pixel, rows from the top. It must not name the patient: Burned In Annotation says NO. */
  readonly picture: { readonly width: number; readonly height: number; readonly rgb: Uint8Array };
};

/**
 * A picture of a result as a Secondary Capture Image (PS3.3 A.8.1), a Part 10 file in pieces, RGB uncompressed. It is the single-frame kind
 * on purpose: the newer Multi-frame True Color kind is better defined and less often taken, and this object is for those who take nothing
 * else. Geometry is left out, because several planes share the picture.
 */
export function encodeSecondaryCapture(request: SecondaryCaptureRequest): Iterable<Uint8Array> {
  const { source, manifest, device, uids, picture } = request;
  const { width, height, rgb } = picture;
  if (rgb.length !== 3 * width * height || width < 1 || height < 1 || width > 0xffff || height > 0xffff)
    throw new Error(`a picture of ${width} x ${height} pixels can't be written from ${rgb.length} bytes`);
  const { date, time } = creation(request);
  const { name, version } = manifest.algorithm;
  const elements: Item = [
    ...patientAndStudyElements(source),
    ...seriesAndEquipmentElements(request, "OT", sopClass.secondaryCaptureImageStorage),
    // Laterality, type 2C for a paired body part: whether it is one is as unknown as the side. PS3.3 C.7.3.1
    ...((source.attributes.get(0x00200060)?.bytes.length ?? 0) > 0 ? [] : [text(0x00200060, "CS")]),
    // SC Equipment and SC Image, PS3.3 C.8.6.1 and C.8.6.2
    text(0x00080064, "CS", "SYN"),
    text(0x00181012, "DA", date), // Date of Secondary Capture
    text(0x00181014, "TM", time),
    text(0x00181016, "LO", plainText(device.manufacturer, 64)),
    text(0x00181018, "LO", plainText(device.modelName, 64)),
    text(0x00181019, "LO", ...device.softwareVersions.map((software) => plainText(software, 64))),
    // General Image, PS3.3 C.7.6.1
    text(0x00080008, "CS", "DERIVED", "SECONDARY"),
    text(0x00080023, "DA", date), // Content Date
    text(0x00080033, "TM", time),
    text(0x00200020, "CS"), // Patient Orientation: differs within the picture
    text(0x00204000, "LT", plainText(`AI-generated, not for diagnosis, not reviewed. Model ${manifest.name} ${manifest.version}`, 10240)),
    text(0x00082111, "ST", plainText(`Slices with segmentation by ${name} ${version} overlaid: AI-generated, not reviewed`, 1024)),
    codeSequence(0x00089215, { value: "113076", scheme: "DCM", meaning: "Segmentation" }),
    sequence(
      0x00082112,
      ...sourceInstances(source).map(({ sopClassUid, sopInstanceUid, frameNumbers }) => [
        ...imageReference(sopClassUid, sopInstanceUid, frameNumbers),
        codeSequence(0x0040a170, { value: "121322", scheme: "DCM", meaning: "Source image for image processing operation" }),
      ]),
    ),
    text(0x00280301, "CS", "NO"), // Burned In Annotation
    ...lossyCompression(source),
    referencedSeries(source),
    // Image Pixel, PS3.3 C.7.6.3
    unsignedShort(0x00280002, 3),
    text(0x00280004, "CS", "RGB"),
    unsignedShort(0x00280006, 0), // Planar Configuration: by pixel
    unsignedShort(0x00280010, height),
    unsignedShort(0x00280011, width),
    unsignedShort(0x00280100, 8),
    unsignedShort(0x00280101, 8),
    unsignedShort(0x00280102, 7),
    unsignedShort(0x00280103, 0),
    { tag: 0x7fe00010, vr: "OB", value: rgb },
  ];
  return writePart10({
    sopClassUid: sopClass.secondaryCaptureImageStorage,
    sopInstanceUid: uids.sopInstanceUid,
    encoding: "explicit",
    elements,
  });
}
