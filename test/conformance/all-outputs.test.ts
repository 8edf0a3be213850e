import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import type { SourceSeries } from "../../appliance/dicom/source.ts";
import { isEven, sliceGapsMm, spacingMm } from "../../appliance/volume/grid.ts";
import { tiltDegrees } from "../../appliance/volume/regular-grid.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";
import { seriesFiles } from "../make/ct-series.ts";
import { labelsByHu, type ResultObjects, resultObjects } from "../make/result-objects.ts";
import { request } from "../make/result-request.ts";
import { exampleVariants } from "../make/variants.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { readBack } from "./result-cases.ts";

type Read = {
  readonly name: string;
  readonly volume: CtVolume;
  readonly source: SourceSeries;
  readonly notes: readonly string[];
  readonly labelMap: LabelMap;
};
const series: Read[] = [];

before(async () => {
  for (const { name, instances } of await exampleVariants()) {
    const read = await seriesToVolume(seriesFiles(instances));
    series.push({ name, ...read, labelMap: labelsByHu(read.volume) });
  }
});

test("the series are what they are called, and each structure is in each of them", () => {
  const [example, oblique, , notSquare, tiltedFar, twoSpacings, both, multiFrame] = series.map(({ source }) => source);
  assert.deepEqual(spacingMm(example!.grid), [0.9765625, 0.9765625, 2]);
  assert.ok(oblique!.grid.steps.flat().filter((mm) => Math.abs(mm) > 0.2).length >= 7);
  assert.match(series[2]!.notes.join(), /sheared by 0\.90 degrees/);
  assert.deepEqual(notSquare!.grid.dims, [128, 96, 10]);
  assert.ok(Math.abs(tiltDegrees(tiltedFar!.grid) - 18.5) < 1e-3);
  assert.match(series[4]!.notes.join(), /sheared by 18\.5 degrees/);
  assert.deepEqual(sliceGapsMm(twoSpacings!.grid), [2, 2, 2, 2, 2, 4, 4, 4, 4]);
  assert.equal(isEven(both!.grid), false);
  assert.equal(series[6]!.notes.length, 2);
  assert.notEqual(spacingMm(notSquare!.grid)[0], spacingMm(notSquare!.grid)[1]);
  assert.deepEqual(
    multiFrame!.slices.map(({ frameNumber }) => frameNumber),
    [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
  for (const { name, labelMap } of series) assert.deepEqual([...new Set(labelMap.labels)].sort(), [0, 1, 2, 3], name);
});

const simplified = (from: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...from, holes: "inner", simplifyMm: 0.5 });

/** As dciodvfy calls them. It does not know Label Map SEGs; `label-map.test.ts` judges those. */
const judged: readonly (readonly [keyof ResultObjects, RegExp])[] = [
  ["seg", /^Segmentation$/m],
  ["rtstruct", /^RTStructureSet$/m],
  ["sr", /^Comprehensive3DSR$/m],
  ["secondary-capture", /^SCImage$/m],
  ["pdf", /^EncapsulatedPDF$/m],
];

test("dciodvfy finds no error in SEG, RTSTRUCT, SR, Secondary Capture and PDF of any of these series", async () => {
  await using folder = await temporaryFolder("all-outputs");
  for (const { name, volume, source, labelMap } of series) {
    const objects = await resultObjects(source, volume, labelMap, 4);
    for (const [kind, asKnown] of judged) {
      const file = join(folder.path, "object.dcm");
      writeFileSync(file, Buffer.concat([...objects[kind]]));
      const { code, stderr } = await run("dciodvfy", ["-new", file]);
      assert.deepEqual(
        stderr.split("\n").filter((line) => /^Error/.test(line)),
        [],
        `${kind} of ${name}`,
      );
      assert.equal(code, 0, `${kind} of ${name}`);
      assert.match(stderr, asKnown);
    }
  }
});

for (const [name, kind, encode] of [
  ["SEG", "seg", encodeSeg],
  ["label map SEG", "seg", encodeSegLabelmap],
  ["RTSTRUCT", "rtstruct", encodeRtstruct],
  ["RTSTRUCT, with inner contours and simplified,", "rtstruct", simplified],
] as const)
  test(`pydicom puts the ${name} of each of these series back, voxel for voxel`, async () => {
    await using folder = await temporaryFolder(kind);
    const cases = series.map(({ name, source, labelMap }) => ({ name, request: request(source, labelMap.labels, 4) }));
    const read = await readBack(folder.path, cases, kind, encode, async (casesFile) => {
      const { code, stderr } = await run("/usr/bin/python3", [join(import.meta.dirname, `${kind}_to_labels.py`), casesFile]);
      assert.equal(code, 0, stderr.slice(-2000));
    });
    assert.equal(read.length, series.length);
    for (const { name, expected, found } of read) assert.ok(Buffer.from(found).equals(expected), name);
  });
