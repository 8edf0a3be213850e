import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSr, type ReportRequest } from "../../appliance/dicom/sr.ts";
import { catalogueTasks } from "../../models/catalogue/catalogue.ts";
import { labelsOf } from "../../models/import/labels.ts";
import { axialGrid, request, sourceSeries } from "../make/result-request.ts";
import { measured, segmentation } from "../make/sr-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";

const odd = [
  "odd thing",
  "weird\\name with a backslash, and far more letters than any Code Meaning of DICOM can take in",
  "Größe",
  "x",
  "styloid_process_left",
  "Styloid_Process_RIGHT",
];
const total = catalogueTasks.find(({ name }) => name === "total")!.labels;

/** No more of them than a report has to say. */
function measuredIn(voxels: Uint8Array): Pick<ReportRequest, "structures" | "checks" | "predecessor" | "review"> {
  const structures = [...new Set(voxels)].filter((value) => value > 0).map((value) => ({ ...measured[0], value }));
  return { structures, checks: [], predecessor: null, review: null };
}

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
    [join(folder.path, "sr.dcm"), encodeSr({ ...whole, ...measuredIn(voxels), segmentation, provenance: [], record: {} })],
    [seg, encodeSeg(whole)],
  ] as const) {
    writeFileSync(file, Buffer.concat([...pieces]));
    const { code, stderr } = await run("dciodvfy", ["-new", file]);
    const errors = stderr.split("\n").filter((line) => /^Error/.test(line));
    assert.deepEqual([code, errors], [0, []]);
  }
  const found = (await python("test/conformance/segment_codes.py", seg)) as Record<string, readonly string[]>;
  assert.deepEqual(found["Kidney right"], ["91723000", "SCT", "64033007", "SCT", "Kidney", "24028007"]);
  // SNOMED CT's left and right (PS3.16 CID 244) for every structure that has a side and for no other, known or not.
  assert.equal(Object.keys(found).length, labels.length);
  const sides = { left: "7771000", right: "24028007" };
  const codes = Object.values(found);
  for (const [index, { name }] of labels.entries()) {
    const [, side] = /_(left|right)(?:_|$)/.exec(name.toLowerCase()) ?? [];
    const said = codes[index]!.slice(5).filter((code) => Object.values(sides).includes(code));
    const isInItsCode = name === "lung_middle_lobe_right"; // there is no left one
    assert.deepEqual(said, side && !isInItsCode ? [sides[side as "left" | "right"]] : [], name);
  }
  const [category, , value, scheme, meaning] = found["Odd thing"]!;
  assert.deepEqual([category, scheme, meaning], ["309825002", "99SEGBOX", "Odd thing"]);
  assert.match(value!, /^LABEL-[0-9a-f]{10}$/);
});
