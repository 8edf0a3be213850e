import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import type { StoreFile } from "../../../appliance/dimse/scu.ts";

export const data = (path: string): string => join(import.meta.dirname, "../../data", path);

/** The same slice of a GE HiSpeed in seven transfer syntaxes. */
export const hispeed: readonly string[] = readdirSync(data("ct-corpus/ge-hispeed-transfer-syntaxes"))
  .sort()
  .map((name) => data(`ct-corpus/ge-hispeed-transfer-syntaxes/${name}`));
export const explicitHispeed = hispeed.find((path) => path.includes("LittleEndianExplicit"))!;
export const exampleCt: readonly string[] = readdirSync(data("example-ct"))
  .sort()
  .map((name) => data(`example-ct/${name}`));

export const storeFile = (path: string): StoreFile => ({ path, ...readFileMeta(readFileSync(path)) });
/** The bytes of a file that go over the network. */
export function dataSetOf(path: string): Buffer {
  const bytes = readFileSync(path);
  return bytes.subarray(readFileMeta(bytes).dataSetOffset);
}
