import { mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeCtSeries } from "../make/ct-series.ts";

/** CT images of 512 x 512 x 16 bit, each of them another, in as many folders as there are senders at the most; the folders. */
export function writeImages(folder: string, count: number, folders: number): string[] {
  const [slice] = makeCtSeries({ name: "bench", dims: [512, 512, 1], hu: (i, j) => ((i * j) % 2000) - 1000 });
  const bytes = Buffer.from(slice!.bytes);
  const places: number[] = [];
  for (let at = bytes.indexOf(slice!.sopInstanceUid); at >= 0; at = bytes.indexOf(slice!.sopInstanceUid, at + 1)) places.push(at);
  const paths = Array.from({ length: folders }, (_, index) => join(folder, String(index)));
  for (const path of paths) mkdirSync(path, { recursive: true });
  for (let image = 0; image < count; image++) {
    const digits = String(image).padStart(6, "0");
    for (const at of places) bytes.write(digits, at + slice!.sopInstanceUid.length - digits.length, "latin1");
    bytes.writeUInt32LE(image, bytes.length - 4); // of the pixels
    writeFileSync(join(paths[image % folders]!, `${digits}.dcm`), bytes);
  }
  return paths;
}

/** One Enhanced CT image of a gigabyte; all its pixels are 0. */
export function writeMultiFrame(path: string, frames = 2000): void {
  const [slice] = makeCtSeries({
    name: "multi-frame",
    dims: [512, 512, 1],
    edit: (dataSet) => {
      dataSet.set(0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.2.1"]);
      dataSet.set(0x00280008, ["IS", String(frames)]);
    },
  });
  const bytes = Buffer.from(slice!.bytes);
  const pixelBytes = 512 * 512 * 2;
  const length = frames * pixelBytes;
  bytes.writeUInt32LE(length, bytes.length - pixelBytes - 4);
  const file = openSync(path, "w");
  writeSync(file, bytes);
  truncateSync(path, bytes.length - pixelBytes + length);
}
