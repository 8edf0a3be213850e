import { RefusedError } from "../base/errors.ts";

/** How the pixels of a frame are coded. */
export type PixelCoding = "native" | "rle" | "jpeg-lossless" | "jpeg-ls" | "jpeg-2000" | "htj2k";

/** A transfer syntax: how a data set and its pixels are written down. PS3.5 section 10 and annex A. */
export type TransferSyntax = {
  readonly uid: string;
  readonly name: string;
  readonly explicitVr: boolean;
  readonly littleEndian: boolean;
  readonly deflated: boolean;
  readonly coding: PixelCoding;
  /** Pixels may differ from what the scanner reconstructed. */
  readonly lossy: boolean;
};

export const implicitVrLittleEndian = "1.2.840.10008.1.2";
export const explicitVrLittleEndian = "1.2.840.10008.1.2.1";
export const rleLossless = "1.2.840.10008.1.2.5";
export const jpegLsLossless = "1.2.840.10008.1.2.4.80";

const little = { explicitVr: true, littleEndian: true, deflated: false, lossy: false } as const;

/** Every transfer syntax whose pixels the appliance can read. */
export const transferSyntaxes: readonly TransferSyntax[] = [
  { ...little, uid: implicitVrLittleEndian, name: "Implicit VR Little Endian", explicitVr: false, coding: "native" },
  { ...little, uid: explicitVrLittleEndian, name: "Explicit VR Little Endian", coding: "native" },
  { ...little, uid: "1.2.840.10008.1.2.1.99", name: "Deflated Explicit VR Little Endian", deflated: true, coding: "native" },
  { ...little, uid: "1.2.840.10008.1.2.2", name: "Explicit VR Big Endian", littleEndian: false, coding: "native" },
  { ...little, uid: rleLossless, name: "RLE Lossless", coding: "rle" },
  { ...little, uid: "1.2.840.10008.1.2.4.57", name: "JPEG Lossless, Process 14", coding: "jpeg-lossless" },
  { ...little, uid: "1.2.840.10008.1.2.4.70", name: "JPEG Lossless, Process 14, Selection Value 1", coding: "jpeg-lossless" },
  { ...little, uid: jpegLsLossless, name: "JPEG-LS Lossless", coding: "jpeg-ls" },
  { ...little, uid: "1.2.840.10008.1.2.4.81", name: "JPEG-LS Near-Lossless", coding: "jpeg-ls", lossy: true },
  { ...little, uid: "1.2.840.10008.1.2.4.90", name: "JPEG 2000 Lossless Only", coding: "jpeg-2000" },
  { ...little, uid: "1.2.840.10008.1.2.4.91", name: "JPEG 2000", coding: "jpeg-2000", lossy: true },
  { ...little, uid: "1.2.840.10008.1.2.4.201", name: "High-Throughput JPEG 2000 Lossless Only", coding: "htj2k" },
  { ...little, uid: "1.2.840.10008.1.2.4.202", name: "High-Throughput JPEG 2000 with RPCL Options Lossless Only", coding: "htj2k" },
  { ...little, uid: "1.2.840.10008.1.2.4.203", name: "High-Throughput JPEG 2000", coding: "htj2k", lossy: true },
];

const byUid = new Map(transferSyntaxes.map((syntax) => [syntax.uid, syntax]));

/** The transfer syntax of a UID; refused when the appliance cannot read its pixels. */
export function transferSyntaxOf(uid: string): TransferSyntax {
  const syntax = byUid.get(uid);
  if (!syntax) throw new RefusedError("transfer-syntax-unsupported", `no reader for transfer syntax ${uid}`);
  return syntax;
}

/**
 * How the data set of a transfer syntax is written, pixels aside, so that headers of syntaxes without a pixel reader (MPEG, JPEG baseline, private
 * ones) can be read too: everything outside the table is explicit little endian. PS3.5 A.4
 */
export function dataSetEncodingOf(uid: string): Pick<TransferSyntax, "explicitVr" | "littleEndian" | "deflated"> {
  return byUid.get(uid) ?? little;
}
