import type { Uid } from "../domain/ids.ts";

/** SOP classes that we write or refer to. PS3.4 table B.5-1. */
export const sopClass = {
  ctImageStorage: "1.2.840.10008.5.1.4.1.1.2",
  enhancedCtImageStorage: "1.2.840.10008.5.1.4.1.1.2.1",
  legacyConvertedEnhancedCtImageStorage: "1.2.840.10008.5.1.4.1.1.2.2",
  segmentationStorage: "1.2.840.10008.5.1.4.1.1.66.4",
  labelMapSegmentationStorage: "1.2.840.10008.5.1.4.1.1.66.7",
  rtStructureSetStorage: "1.2.840.10008.5.1.4.1.1.481.3",
  secondaryCaptureImageStorage: "1.2.840.10008.5.1.4.1.1.7",
  encapsulatedPdfStorage: "1.2.840.10008.5.1.4.1.1.104.1",
  comprehensive3dSrStorage: "1.2.840.10008.5.1.4.1.1.88.34",
  keyObjectSelectionDocumentStorage: "1.2.840.10008.5.1.4.1.1.88.59",
  /** Retired in 2004, and still what planning systems expect in an RT Referenced Study Sequence. */
  detachedStudyManagement: "1.2.840.10008.3.1.2.3.1",
} as const satisfies Record<string, Uid>;

const multiFrameCt: ReadonlySet<Uid> = new Set([sopClass.enhancedCtImageStorage, sopClass.legacyConvertedEnhancedCtImageStorage]);

/** Whether an instance of this class holds many CT images, described by functional groups. PS3.3 C.7.6.16 */
export function isMultiFrameCt(sopClassUid: Uid): boolean {
  return multiFrameCt.has(sopClassUid);
}

/** Whether instances of this class are CT images that can make a volume. */
export function isCt(sopClassUid: Uid): boolean {
  return sopClassUid === sopClass.ctImageStorage || multiFrameCt.has(sopClassUid);
}

const withoutPixels: ReadonlySet<Uid> = new Set([
  sopClass.rtStructureSetStorage,
  sopClass.encapsulatedPdfStorage,
  sopClass.comprehensive3dSrStorage,
  sopClass.keyObjectSelectionDocumentStorage,
]);

/** Whether an instance of one of these classes has pixels, so that a content item that refers to it is an IMAGE and not a COMPOSITE. PS3.3 table C.17.3-7 */
export function isImage(sopClassUid: Uid): boolean {
  return !withoutPixels.has(sopClassUid);
}
