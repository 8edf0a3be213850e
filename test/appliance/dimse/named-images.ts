import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeText } from "../../../appliance/dicom/encode-text.ts";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { raw, text, writePart10 } from "../../../appliance/dicom/write.ts";
import type { StoreFile } from "../../../appliance/dimse/scu.ts";
import { ctStorage } from "./raw-peer.ts";

export const newUid = (): string => `2.25.${BigInt(`0x${randomUUID().replaceAll("-", "")}`)}`;

/** A CT image without pixels of a patient with a name in some character sets, as a file. */
export async function namedImage(
  folder: string,
  {
    name,
    sets,
    studyInstanceUid,
    seriesInstanceUid,
  }: { name: string; sets: readonly string[]; studyInstanceUid: string; seriesInstanceUid: string },
): Promise<StoreFile> {
  const sopInstanceUid = newUid();
  const content = writePart10({
    sopClassUid: ctStorage,
    sopInstanceUid,
    encoding: "explicit",
    elements: [
      text(0x00080005, "CS", ...sets),
      text(0x00080016, "UI", ctStorage),
      text(0x00080018, "UI", sopInstanceUid),
      text(0x00080020, "DA", "20260131"),
      text(0x00080030, "TM", "101500"),
      text(0x00080050, "SH", "A1"),
      text(0x00080060, "CS", "CT"),
      raw(0x0008103e, "LO", encodeText("axial", sets)!),
      raw(0x00100010, "PN", encodeText(name, sets)!),
      text(0x00100020, "LO", `ID-${studyInstanceUid.slice(-6)}`),
      text(0x00100030, "DA", "19700101"),
      text(0x00100040, "CS", "O"),
      text(0x0020000d, "UI", studyInstanceUid),
      text(0x0020000e, "UI", seriesInstanceUid),
      text(0x00200010, "SH", "S1"),
      text(0x00200011, "IS", "1"),
      text(0x00200013, "IS", "1"),
    ],
  });
  const bytes = Buffer.concat([...content]);
  const path = join(folder, `${sopInstanceUid}.dcm`);
  await writeFile(path, bytes);
  return { path, ...readFileMeta(bytes) };
}
