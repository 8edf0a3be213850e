import { deflateRawSync } from "node:zlib";
import { encodeFileMeta } from "../../appliance/dicom/part10.ts";

/** A value to be written: text as it is (padded), whole numbers, bytes, or the items of a sequence. */
export type MadeValue = string | readonly number[] | Uint8Array | readonly MadeDataSet[];
/** Tag to VR and value; written in the order of the tags. */
export type MadeDataSet = Map<number, readonly [vr: string, value: MadeValue]>;

export const syntaxes = {
  implicitLittle: "1.2.840.10008.1.2",
  explicitLittle: "1.2.840.10008.1.2.1",
  deflated: "1.2.840.10008.1.2.1.99",
  explicitBig: "1.2.840.10008.1.2.2",
  rle: "1.2.840.10008.1.2.5",
  jpegLossless: "1.2.840.10008.1.2.4.70",
  jpegLosslessAnyPredictor: "1.2.840.10008.1.2.4.57",
  jpegLs: "1.2.840.10008.1.2.4.80",
  jpeg2000: "1.2.840.10008.1.2.4.90",
  htj2k: "1.2.840.10008.1.2.4.201",
} as const;

const longForms = ["OB", "OW", "OV", "SQ", "UC", "UN", "UT"];
const numberBytes: Readonly<Record<string, number>> = { US: 2, SS: 2, OW: 2, UL: 4, SL: 4 };

/** Code streams, and the basic offset table before them. */
export type MadeFragments = { readonly fragments: readonly Uint8Array[]; readonly offsets?: readonly number[] };

/** A Part 10 file of a data set in its transfer syntax; encapsulated pixels are given apart. */
export function makePart10(
  dataSet: MadeDataSet,
  transferSyntaxUid: string = syntaxes.explicitLittle,
  encapsulated?: MadeFragments,
): Uint8Array {
  const uid = (tag: number): string => String(dataSet.get(tag)?.[1] ?? "1.2.3");
  const little = transferSyntaxUid !== syntaxes.explicitBig;
  const explicit = transferSyntaxUid !== syntaxes.implicitLittle;
  const body = Buffer.concat([encodeDataSet(dataSet, explicit, little), ...(encapsulated ? [encapsulate(encapsulated)] : [])]);
  return Buffer.concat([
    encodeFileMeta({ sopClassUid: uid(0x00080016), sopInstanceUid: uid(0x00080018), transferSyntaxUid }),
    transferSyntaxUid === syntaxes.deflated ? deflateRawSync(body) : body,
  ]);
}

export function encodeDataSet(dataSet: MadeDataSet, explicit = true, little = true): Uint8Array {
  const sorted = [...dataSet].sort(([a], [b]) => a - b);
  return Buffer.concat(sorted.map(([tag, [vr, value]]) => element(tag, vr, valueBytes(vr, value, explicit, little), explicit, little)));
}

function valueBytes(vr: string, value: MadeValue, explicit: boolean, little: boolean): Uint8Array {
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "latin1");
    return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(vr === "UI" ? "\0" : " ")]);
  }
  if (vr === "SQ")
    return Buffer.concat(
      (value as readonly MadeDataSet[]).map((item) => element(0xfffee000, "", encodeDataSet(item, explicit, little), explicit, little)),
    );
  if (value instanceof Uint8Array) return little || vr !== "OW" ? value : Buffer.from(value).swap16();
  const size = numberBytes[vr] ?? 1;
  const bytes = Buffer.alloc(value.length * size);
  for (const [at, number] of (value as readonly number[]).entries()) {
    const unsigned = number < 0 ? number + 2 ** (8 * size) : number;
    if (little) bytes.writeUIntLE(unsigned, at * size, size);
    else bytes.writeUIntBE(unsigned, at * size, size);
  }
  return bytes;
}

function element(tag: number, vr: string, value: Uint8Array, explicit: boolean, little: boolean): Uint8Array {
  const padded = value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.alloc(1)]);
  const long = !explicit || vr === "" || longForms.includes(vr);
  const head = Buffer.alloc(explicit && vr !== "" && long ? 12 : 8);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  view.setUint16(0, tag >>> 16, little);
  view.setUint16(2, tag & 0xffff, little);
  if (explicit && vr !== "") head.write(vr, 4, "latin1");
  if (long) view.setUint32(head.length - 4, padded.length, little);
  else view.setUint16(6, padded.length, little);
  return Buffer.concat([head, padded]);
}

function encapsulate({ fragments, offsets = [] }: MadeFragments): Uint8Array {
  const table = new Uint8Array(Uint32Array.from(offsets).buffer);
  const items = [table, ...fragments].map((fragment) => element(0xfffee000, "", fragment, true, true));
  const head = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  return Buffer.concat([head, ...items, element(0xfffee0dd, "", new Uint8Array(), true, true)]);
}
