import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { axialGrid, request, sourceSeries } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";

test("dciodvfy finds no error in a SEG that says that nothing was found, and pydicom finds no pixel in it", async () => {
  await using folder = await temporaryFolder("seg-empty");
  const file = join(folder.path, "seg.dcm");
  const nothing = request(sourceSeries(axialGrid(23, 38, 3)), new Uint8Array(23 * 38 * 3), 9);
  writeFileSync(file, Buffer.concat([...encodeSeg({ ...nothing, emptyFrame: true })]));
  const { code, stderr } = await run("dciodvfy", ["-new", file]);
  assert.deepEqual(
    stderr.split("\n").filter((line) => /^Error/.test(line)),
    [],
  );
  assert.equal(code, 0);
  const script =
    "import pydicom, sys; s = pydicom.dcmread(sys.argv[1]); print(s.pixel_array.shape, s.pixel_array.any(), len(s.SegmentSequence))";
  assert.equal((await run("/usr/bin/python3", ["-c", script, file])).stdout, "(38, 23) False 9\n");
});
