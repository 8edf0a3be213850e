import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { readSourceSeries } from "../../appliance/dicom/series-to-volume.ts";
import { spacingMm, voxelsMl } from "../../appliance/volume/grid.ts";
import { request } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { readBack } from "./result-cases.ts";

const data = join(import.meta.dirname, "../data");

/** The example series with what TotalSegmentator's `total` task finds in it: 31 structures of 0.2 to 700 ml. */
async function exampleWithOrgans() {
  const files = readdirSync(join(data, "example-ct")).map((name) => {
    const path = join(data, "example-ct", name);
    return { sopInstanceUid: readInstanceHeader(readFileSync(path)).sopInstanceUid, load: () => readFile(path) };
  });
  const source = await readSourceSeries(files);
  const [ni, nj, nk] = source.grid.dims;
  const voxels = gunzipSync(readFileSync(join(data, "example-ct-totalsegmentator.nii.gz"))).subarray(-ni * nj * nk);
  const labels = new Uint8Array(voxels.length);
  // Its affine runs from posterior to anterior where the rows of the series run the other way; i and k are the same.
  for (let row = 0; row < nj * nk; row++) {
    const [j, k] = [row % nj, Math.floor(row / nj)];
    labels.set(voxels.subarray(ni * row, ni * (row + 1)), ni * (nj - 1 - j + nj * k));
  }
  return request(source, labels, 117);
}

type Compared = { readonly inBoth: number; readonly onlySeg: number; readonly onlyRtstruct: number };

/** How a mask that plastimatch made of an RTSTRUCT and a segment of a SEG compare, voxel by voxel. */
function compare(ofRtstruct: string, segments: Uint8Array, segment: number): Compared {
  const mask = readFileSync(ofRtstruct).subarray(-segments.length);
  let [inBoth, onlySeg, onlyRtstruct] = [0, 0, 0];
  for (let at = 0; at < mask.length; at++) {
    const isInSeg = segments[at] === segment;
    if (mask[at]! === 0) onlySeg += isInSeg ? 1 : 0;
    else if (isInSeg) inBoth++;
    else onlyRtstruct++;
  }
  return { inBoth, onlySeg, onlyRtstruct };
}

/** The same as plastimatch counts it: its own mask, and the segment put into the same kind of file. */
async function comparedByPlastimatch(ofRtstruct: string, segments: Uint8Array, segment: number): Promise<Compared> {
  const ofSeg = `${ofRtstruct}.seg.mha`;
  const head = readFileSync(ofRtstruct).subarray(0, -segments.length);
  assert.match(head.toString("latin1"), /ElementType = MET_UCHAR/);
  writeFileSync(ofSeg, Buffer.concat([head, segments.map((found) => (found === segment ? 1 : 0))]));
  const { code, stdout, stderr } = await run("plastimatch", ["dice", ofSeg, ofRtstruct]);
  assert.equal(code, 0, stdout + stderr);
  const count = (name: string) => Number(new RegExp(`^${name}: +(\\d+)$`, "m").exec(stdout)?.[1]);
  return { inBoth: count("TP"), onlySeg: count("FN"), onlyRtstruct: count("FP") };
}

const forms = {
  "as it is": { form: {}, options: [] },
  "with inner contours": { form: { holes: "inner" }, options: ["--xor-contours"] }, // else it takes the union of contours
  "simplified by half a millimetre": { form: { simplifyMm: 0.5 }, options: [] },
} as const;

for (const [name, { form, options }] of Object.entries(forms))
  test(`plastimatch makes the same volumes of an RTSTRUCT of 31 organs, ${name}, as pydicom reads from the SEG, and the same voxels`, async () => {
    await using folder = await temporaryFolder("volumes");
    const organs = await exampleWithOrgans();
    const cases = [{ name: "organs", request: organs }];
    const [seg] = await readBack(folder.path, cases, "seg", encodeSeg, async (casesFile) => {
      const { code, stderr } = await run("/usr/bin/python3", [join(import.meta.dirname, "seg_to_labels.py"), casesFile]);
      assert.equal(code, 0, stderr.slice(-2000));
    });
    const file = join(folder.path, "rtstruct.dcm");
    writeFileSync(file, Buffer.concat([...encodeRtstruct({ ...organs, ...form })]));
    const { dims, origin } = organs.source.grid;
    const spacing = spacingMm(organs.source.grid); // along the axes, so the grid needs no direction
    const geometry = ["--dim", dims.join(" "), "--origin", origin.join(" "), "--spacing", spacing.join(" ")];
    const masks = join(folder.path, "masks");
    const { code, stdout, stderr } = await run("plastimatch", [
      "convert",
      "--input",
      file,
      ...geometry,
      "--output-prefix",
      masks,
      "--prefix-format",
      "mha",
      ...options,
    ]);
    assert.equal(code, 0, stdout + stderr);
    const found = [...new Set(organs.labelMap.labels)].filter((label) => label !== 0).sort((a, b) => a - b);
    assert.equal(found.length, 31);
    const mlPerVoxel = voxelsMl(organs.source.grid)[0]!;
    for (const [index, label] of found.entries()) {
      const { title } = organs.manifest.labels[label - 1]!;
      const ofRtstruct = join(masks, `${title}.mha`);
      const compared = compare(ofRtstruct, seg!.found, index + 1);
      if (name === "as it is") assert.deepEqual(await comparedByPlastimatch(ofRtstruct, seg!.found, index + 1), compared);
      const { inBoth, onlySeg, onlyRtstruct } = compared;
      const [inRtstruct, inSeg] = [inBoth + onlyRtstruct, inBoth + onlySeg];
      const said = `${title}: ${(inRtstruct * mlPerVoxel).toFixed(3)} ml in the RTSTRUCT, ${(inSeg * mlPerVoxel).toFixed(3)} ml in the SEG`;
      assert.ok(inSeg > 100 && Math.abs(inRtstruct / inSeg - 1) <= 0.01, said);
      assert.equal(onlySeg + onlyRtstruct, 0, said); // contours leave every pixel's centre on its side
    }
  });
