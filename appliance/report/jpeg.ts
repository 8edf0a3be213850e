import { encode } from "jpeg-js";
import type { Picture } from "./picture.ts";

/**
 * A picture as a JPEG file (ISO/IEC 10918-1, baseline).
 *
 * @param quality 1 to 100
 */
export function encodeJpeg({ width, height, rgb }: Picture, quality: number): Uint8Array {
  const data = new Uint8Array(4 * width * height); // the library takes RGBA, and leaves A out
  for (let pixel = 0; pixel < width * height; pixel++) data.set(rgb.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
  return encode({ width, height, data }, quality).data;
}
