import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encodeJpeg } from "../../../appliance/report/jpeg.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

test("dcmtk decodes a JPEG to the same picture, nearly, and at a low quality it is smaller", async () => {
  const [width, height] = [61, 40]; // not whole blocks of 8
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rgb.fill(Math.round((255 * (x + y)) / (width + height)), 3 * (y * width + x), 3 * (y * width + x) + 3);
  await using folder = await temporaryFolder("jpeg");
  const [jpeg, dicom, ppm] = ["a.jpg", "a.dcm", "a.ppm"].map((name) => join(folder.path, name)) as [string, string, string];
  await writeFile(jpeg, encodeJpeg({ width, height, rgb }, 95));
  assert.equal((await run("img2dcm", [jpeg, dicom])).code, 0);
  assert.equal((await run("dcmj2pnm", ["--write-raw-pnm", dicom, ppm])).code, 0);
  const file = await readFile(ppm);
  const [header] = /^P6\s(#.*\n)?(\d+)\s(\d+)\s255\s/.exec(file.toString("latin1", 0, 100)) ?? [""];
  assert.match(header, /61 40/);
  const decoded = file.subarray(header.length);
  assert.equal(decoded.length, rgb.length);
  const worst = rgb.reduce((most, value, at) => Math.max(most, Math.abs(value - decoded[at]!)), 0);
  assert.ok(worst <= 6, `off by ${worst} grey values`);
  assert.ok(encodeJpeg({ width, height, rgb }, 5).length < encodeJpeg({ width, height, rgb }, 95).length);
});
