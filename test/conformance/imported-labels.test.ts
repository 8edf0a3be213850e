import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { catalogueTasks } from "../../models/catalogue/catalogue.ts";
import { labelsOf } from "../../models/import/labels.ts";
import { axialGrid, request, sourceSeries } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";

const odd = ["odd thing", "weird\\name with a backslash, and far more letters than any Code Meaning of DICOM can take in", "Größe", "x"];
const total = catalogueTasks.find(({ name }) => name === "total")!.labels;

test("imported labels, with the catalogue's codes or private ones, are written as dciodvfy and pydicom read them", async () => {
  await using folder = await temporaryFolder("labels");
  const { labels, uncoded } = labelsOf([...total, ...odd]);
  assert.deepEqual(uncoded, odd);
  const grid = axialGrid(40, 40, 3);
  const voxels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, at) => (at % 40 === 0 ? 0 : (Math.floor(at / 20) % labels.length) + 1));
  const head = request(sourceSeries(grid), voxels, 1);
  const whole = { ...head, manifest: { ...head.manifest, labels } };
  const seg = join(folder.path, "labels.dcm");
  for (const [file, pieces] of [
    [join(folder.path, "rtstruct.dcm"), encodeRtstruct(whole)],
    [seg, encodeSeg(whole)],
  ] as const) {
    writeFileSync(file, Buffer.concat([...pieces]));
    const { code, stderr } = await run("dciodvfy", ["-new", file]);
    const errors = stderr.split("\n").filter((line) => /^Error/.test(line));
    assert.deepEqual([code, errors], [0, []]);
  }
  const found = (await python("test/conformance/segment_codes.py", seg)) as Record<string, readonly string[]>;
  assert.deepEqual(found["Kidney right"], ["91723000", "SCT", "64033007", "SCT", "Kidney", "24028007"]);
  const [category, , value, scheme, meaning] = found["Odd thing"]!;
  assert.deepEqual([category, scheme, meaning], ["309825002", "99SEGBOX", "Odd thing"]);
  assert.match(value!, /^LABEL-[0-9a-f]{10}$/);
  assert.equal(Object.keys(found).length, labels.length);
});
