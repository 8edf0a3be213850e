import { RefusedError } from "../base/errors.ts";
import { type DataSet, nextElement, readItems } from "../dicom/data-set.ts";
import { vrOfElement } from "../dicom/element-vr.ts";
import type { Part10 } from "../dicom/part10.ts";
import { littleEndian, tagKey } from "./dicom-json.ts";
import { decodedFrame, readStoredFrames } from "./frames.ts";

/** Where a value stands: `7FE00010`, or `00082112/0/00281201` inside a sequence. Null for anything else. */
export function parseBulkDataPath(text: string): string | null {
  return text.length <= 1024 && /^[0-9A-F]{8}(\/(0|[1-9]\d{0,5})\/[0-9A-F]{8})*$/.test(text) ? text : null;
}

/** The bytes of a value, little endian; pixels without compression. Refused where there is none. PS3.18 10.4.1.1.5 */
export async function readBulkData(opened: Part10, path: string): Promise<readonly Uint8Array[]> {
  const pixels = nextElement(opened.dataSet);
  if (pixels && tagKey(pixels.tag) === path) {
    if (pixels.length === 0xffffffff) {
      const stored = readStoredFrames(opened);
      const frames: Uint8Array[] = [];
      for (const index of stored.frames.keys()) frames.push(await decodedFrame(opened, stored, index));
      return frames;
    }
    const { bytes } = opened.dataSet;
    const value = bytes.subarray(pixels.valueAt, Math.min(bytes.length, pixels.valueAt + pixels.length));
    return [littleEndian(value, opened.dataSet, pixels.vr || "OW")];
  }
  const words = path.split("/");
  let level: DataSet | undefined = opened.dataSet;
  for (let at = 0; level && at + 2 < words.length; at += 2)
    level = readItems(level, Number.parseInt(words[at]!, 16))[Number(words[at + 1])];
  const element = level?.elements.get(Number.parseInt(words.at(-1)!, 16));
  if (!level || !element || element.length === 0) throw new RefusedError("not-found", "there is no such value in this object");
  return [littleEndian(level.bytes.subarray(element.offset, element.offset + element.length), level, vrOfElement(element))];
}
