import { RefusedError } from "../base/errors.ts";

/** One media range of an Accept header, or a Content-Type. Type and parameter names are in small letters. */
export type MediaType = { readonly type: string; readonly parameters: ReadonlyMap<string, string>; readonly quality: number };

/** Longer headers come from nobody who wants an answer. */
const longestHeader = 8192;

/** One media type with its parameters. Values may be quoted, and slashes unquoted, as several viewers write `type=application/dicom`. RFC 9110 8.3.1 */
export function parseMediaType(text: string): MediaType {
  const [parsed, ...rest] = parseMediaTypes(text);
  if (!parsed || rest.length > 0) throw malformed("one media type", text);
  return parsed;
}

/** The media ranges of an Accept header, best first: by quality, then in the order of the header. Without one, anything goes. RFC 9110 12.5.1 */
export function parseAccept(text: string): MediaType[] {
  const ranges = text.trim() === "" ? parseMediaTypes("*/*") : parseMediaTypes(text);
  return ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}

function parseMediaTypes(text: string): MediaType[] {
  if (text.length > longestHeader) throw new RefusedError("media-type-malformed", `a header of media types of ${text.length} characters`);
  return splitOutsideQuotes(text, ",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [first = "", ...rest] = splitOutsideQuotes(part, ";");
      const type = first.trim().toLowerCase();
      if (!/^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/.test(type)) throw malformed("a media type", text);
      const parameters = new Map<string, string>();
      for (const parameter of rest) {
        if (parameter.trim() === "") continue;
        const found = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s"]*)\s*$/.exec(parameter);
        if (!found) throw malformed("name=value behind a media type", text);
        const [, name = "", value = ""] = found;
        parameters.set(name.toLowerCase(), value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value);
      }
      const quality = Number(parameters.get("q") ?? "1");
      return { type, parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
    });
}

function splitOutsideQuotes(text: string, separator: "," | ";"): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === "\\") at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function malformed(expected: string, found: string): RefusedError {
  return new RefusedError("media-type-malformed", `expected ${expected}, found ${JSON.stringify(found.slice(0, 80))}`);
}

/** How the pixels of a compressed transfer syntax are called as a single frame. PS3.18 table 8.7.3-5 */
const frameTypes: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2.5": "image/dicom-rle",
  "1.2.840.10008.1.2.4.50": "image/jpeg",
  "1.2.840.10008.1.2.4.51": "image/jpeg",
  "1.2.840.10008.1.2.4.57": "image/jpeg",
  "1.2.840.10008.1.2.4.70": "image/jpeg",
  "1.2.840.10008.1.2.4.80": "image/jls",
  "1.2.840.10008.1.2.4.81": "image/jls",
  "1.2.840.10008.1.2.4.90": "image/jp2",
  "1.2.840.10008.1.2.4.91": "image/jp2",
  "1.2.840.10008.1.2.4.201": "image/jphc",
  "1.2.840.10008.1.2.4.202": "image/jphc",
  "1.2.840.10008.1.2.4.203": "image/jphc",
};
const octets = "application/octet-stream";

/** The media type of a frame as it is stored. */
export function frameTypeOf(transferSyntaxUid: string): string {
  return frameTypes[transferSyntaxUid] ?? octets;
}

const explicitLittle = "1.2.840.10008.1.2.1";

/** How attributes go out: as a document of the DICOM JSON model, or in the Native DICOM Model (XML). */
export type DataSetForm = "json" | "xml";
export const dicomJsonType = "application/dicom+json";
export const dicomXmlType = "application/dicom+xml";

/**
 * How attributes are to go out: JSON, the default, unless XML is asked for first. PS3.18 8.7.3.2
 *
 * @param xml `parts`: each data set is a part of a multipart/related message; `one`: there is one data set, which is the body
 */
export function chooseDataSetForm(accept: string, xml: "parts" | "one"): DataSetForm {
  for (const { type, parameters } of parseAccept(accept)) {
    if (["*/*", "application/*", dicomJsonType, "application/json"].includes(type)) return "json";
    const inner = xml === "one" ? type : type === "multipart/related" ? parameters.get("type")?.toLowerCase() : null;
    if (inner === dicomXmlType) return "xml";
  }
  throw notAcceptable(`${dicomJsonType}, ${xml === "one" ? dicomXmlType : `multipart/related; type="${dicomXmlType}"`}`);
}

/** How objects go out: in one body or as parts, as they are stored or in Explicit VR Little Endian. */
export type ObjectForm = { readonly multipart: boolean; readonly asStored: (transferSyntaxUid: string) => boolean };

/**
 * How the objects of a resource are to go out. Without `transfer-syntax`, Explicit VR Little Endian, which everybody can read; with `*` as
 * stored; a named one is given where it is the one stored. PS3.18 8.7.3.5.2
 */
export function chooseObjectForm(accept: string, storedSyntaxes: readonly string[]): ObjectForm {
  for (const { type, parameters } of parseAccept(accept)) {
    const inner = type === "multipart/related" ? (parameters.get("type")?.toLowerCase() ?? "application/dicom") : null;
    const isParts = inner === "application/dicom" || inner === "*/*" || type === "*/*" || type === "multipart/*";
    const isOne = (type === "application/dicom" || type === "application/*") && storedSyntaxes.length === 1;
    if (!isParts && !isOne) continue;
    const wanted = parameters.get("transfer-syntax") ?? explicitLittle;
    if (wanted === "*") return { multipart: isParts, asStored: () => true };
    if (wanted === explicitLittle || storedSyntaxes.every((stored) => stored === wanted))
      return { multipart: isParts, asStored: (stored) => stored === wanted };
  }
  throw notAcceptable('multipart/related; type="application/dicom", with transfer-syntax=*, 1.2.840.10008.1.2.1, or the one stored');
}

/** How frames or other bulk data go out: in one body or as parts, with the media type of each. */
export type FrameForm = { readonly multipart: boolean; readonly asStored: boolean; readonly type: string };

/**
 * How the frames of an instance are to go out: as octets in Explicit VR Little Endian, or compressed as they are stored; one of them without parts where
 * that is asked for. Types are known by their earlier names too (`image/x-jls`), as viewers write them. PS3.18 8.7.3.3
 */
export function chooseFrameForm(accept: string, stored: string, frames: number): FrameForm {
  const storedType = frameTypeOf(stored);
  for (const { type, parameters } of parseAccept(accept)) {
    const multipart = type === "*/*" || type.startsWith("multipart/");
    if (!multipart && frames > 1) continue;
    const inner = (type === "multipart/related" ? (parameters.get("type")?.toLowerCase() ?? octets) : type).replace("/x-", "/");
    const wanted = parameters.get("transfer-syntax");
    const fits = (offered: string): boolean => ["*/*", "multipart/*", offered, offered.replace(/\/.*/, "/*")].includes(inner);
    if ((fits(octets) || fits(storedType)) && (wanted === "*" || wanted === stored)) return { multipart, asStored: true, type: storedType };
    if (fits(octets) && (wanted === undefined || wanted === explicitLittle)) return { multipart, asStored: false, type: octets };
    if (fits(storedType) && wanted === undefined) return { multipart, asStored: true, type: storedType };
  }
  throw notAcceptable(`multipart/related; type="${octets}", or what is stored: type="${storedType}"; transfer-syntax=${stored}`);
}

export type PictureType = "image/jpeg" | "image/png";

/** As what a picture goes out: JPEG, the default of PS3.18 8.7.4, unless PNG is asked for. */
export function choosePictureType(accept: string): PictureType {
  for (const { type } of parseAccept(accept)) {
    if (["*/*", "image/*", "image/jpeg"].includes(type)) return "image/jpeg";
    if (type === "image/png") return "image/png";
  }
  throw notAcceptable("image/jpeg, image/png");
}

function notAcceptable(offered: string): RefusedError {
  return new RefusedError("not-acceptable", `nothing of what is accepted can be given here; offered: ${offered}`);
}
