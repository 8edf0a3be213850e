import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { encodePng } from "../../../appliance/report/png.ts";
import { seededRandom } from "../../make/result-request.ts";

test("a PNG's rows, each added to the one above, are the picture", () => {
  const random = seededRandom(1);
  const picture = { width: 7, height: 5, rgb: Uint8Array.from({ length: 105 }, () => Math.floor(256 * random())) };
  const file = Buffer.from(encodePng(picture));
  assert.equal(file.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [7, 5]);
  const at = file.indexOf("IDAT");
  const rows = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)));
  const found = new Uint8Array(105);
  for (let row = 0; row < 5; row++) {
    assert.equal(rows[22 * row], 2);
    for (let byte = 0; byte < 21; byte++)
      found[21 * row + byte] = rows[22 * row + 1 + byte]! + (row > 0 ? found[21 * (row - 1) + byte]! : 0);
  }
  assert.deepEqual(found, picture.rgb);
});
