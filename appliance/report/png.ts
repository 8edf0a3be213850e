import { crc32, deflateSync } from "node:zlib";
import type { Picture } from "./picture.ts";

/** A picture as a PNG file (ISO/IEC 15948): 8 bit RGB, each row as the difference to the one above. */
export function encodePng({ width, height, rgb }: Picture): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // bit depth, truecolour, deflate, adaptive filtering, not interlaced
  const rowBytes = 3 * width;
  const filtered = new Uint8Array((rowBytes + 1) * height);
  for (let row = 0; row < height; row++) {
    const at = row * (rowBytes + 1);
    filtered[at] = 2; // Up
    for (let byte = 0; byte < rowBytes; byte++)
      filtered[at + 1 + byte] = rgb[row * rowBytes + byte]! - (row === 0 ? 0 : rgb[(row - 1) * rowBytes + byte]!);
  }
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(filtered, { level: 6 })),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, bytes: Uint8Array): Uint8Array {
  const content = Buffer.concat([Buffer.from(type, "latin1"), bytes]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(bytes.length);
  check.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, check]);
}
