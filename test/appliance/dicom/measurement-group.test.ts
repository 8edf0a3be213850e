import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSeg } from "../../../appliance/dicom/seg.ts";
import { encodeSr, type ReportRequest } from "../../../appliance/dicom/sr.ts";
import { request as resultRequest } from "../../make/result-request.ts";
import { measured, report, segmentation } from "../../make/sr-request.ts";
import { contentLines, items, parse } from "./content-lines.ts";

/** The measurement groups of a report, by rising label, as lines. */
function groups(from: ReportRequest): string[][] {
  const headings = items(parse(encodeSr(from)), "x0040a730");
  const measurements = headings.find((heading) => contentLines(heading)[0] === "CONTAINS: Imaging Measurements");
  return (measurements ? items(measurements, "x0040a730") : [])
    .map((item) => contentLines(item))
    .filter(([first]) => first === "CONTAINS: Measurement Group");
}

test("a group names structure, side, segment, source and measures", () => {
  const [, right] = groups(report());
  assert.deepEqual(right, [
    "CONTAINS: Measurement Group",
    "  HAS OBS CONTEXT: Tracking Identifier = kidney_right_2 98895212",
    "  HAS OBS CONTEXT: Tracking Unique Identifier = 2.25.326606888580490226474655089549398895212",
    "  CONTAINS: Finding category = Anatomical Structure",
    "  CONTAINS: Finding = Kidney",
    "  CONTAINS: Referenced Segment = 2.25.444 segment 2",
    "  CONTAINS: Source series for segmentation = 1.2.826.0.1.3680043.8.498.2",
    "  HAS CONCEPT MOD: Finding Site = Kidney",
    "    HAS CONCEPT MOD: Laterality = Right",
    "  CONTAINS: Volume = 188.3789 ml",
    "  CONTAINS: Attenuation Coefficient = 31.42 [hnsf'U]",
    "    HAS CONCEPT MOD: Derivation = Mean",
    "  CONTAINS: Attenuation Coefficient = 12.01 [hnsf'U]",
    "    HAS CONCEPT MOD: Derivation = Standard Deviation",
    "  CONTAINS: Attenuation Coefficient = -1024 [hnsf'U]",
    "    HAS CONCEPT MOD: Derivation = Minimum",
    "  CONTAINS: Attenuation Coefficient = 3071 [hnsf'U]",
    "    HAS CONCEPT MOD: Derivation = Maximum",
    "  CONTAINS: Attenuation Coefficient = 30.5 [hnsf'U]",
    "    HAS CONCEPT MOD: Derivation = Median",
    "  CONTAINS: Number of voxels = 123456 1",
    "  CONTAINS: Truncated by the field of view = No",
  ]);
});

test("a truncated structure says so in a code and in words, and what is implausible stands beside it", () => {
  const [left] = groups(report());
  assert.deepEqual(left!.slice(-4), [
    "  CONTAINS: Truncated by the field of view = Yes",
    "  CONTAINS: Comment = Truncated by the border of the images: the volume is a lower bound.",
    "  CONTAINS: Plausibility = Volume below 50 ml, which is rare",
    "  CONTAINS: Plausibility = Left lies to the right of right",
  ]);
});

test("a statistic that an older release did not take is left out", () => {
  const [left] = groups(report());
  assert.ok(left!.includes("    HAS CONCEPT MOD: Derivation = Maximum"));
  assert.ok(!left!.some((line) => line.includes("Median")));
});

test("a volume too small for a few decimals is not rounded to nothing", () => {
  const [left] = groups(report({ structures: [{ ...measured[1], volumeMl: 2.7e-5 }] }));
  assert.ok(left!.includes("  CONTAINS: Volume = 0.000027 ml"), left!.join("\n"));
});

test("segment numbers, tracking identifiers and UIDs are those of the SEG", () => {
  const from = report({ segmentation: { ...segmentation, sopInstanceUid: "2.25.222" } });
  // Labels 1 and 2 of the label map, in a SEG whose SOP Instance UID is 2.25.222.
  const labels = new Uint8Array(48).fill(1, 0, 5).fill(2, 5, 9);
  const seg = parse(encodeSeg({ ...resultRequest(from.source, labels, 3) }));
  const segments = items(seg, "x00620002").map((segment) => [
    `  CONTAINS: Referenced Segment = ${seg.string("x00080018")} segment ${segment.uint16("x00620004")}`,
    `  HAS OBS CONTEXT: Tracking Identifier = ${segment.string("x00620020")}`,
    `  HAS OBS CONTEXT: Tracking Unique Identifier = ${segment.string("x00620021")}`,
  ]);
  assert.equal(segments.length, 2);
  for (const [index, lines] of groups(from).entries()) for (const line of segments[index]!) assert.ok(lines.includes(line), line);
});

test("without a SEG the source series stands for the region", () => {
  const [left] = groups(report({ segmentation: null }));
  assert.ok(left!.includes("  CONTAINS: Source series for segmentation = 1.2.826.0.1.3680043.8.498.2"));
  assert.ok(!left!.some((line) => line.includes("Referenced Segment")));
});

test("a structure that is no organ has the region it lies in for its site, and keeps its side without one", () => {
  const { manifest } = report();
  const lesion = {
    ...manifest.labels[0]!,
    category: { value: "49755003", scheme: "SCT", meaning: "Morphologically Altered Structure" },
    type: { value: "4147007", scheme: "SCT", meaning: "Mass" },
  };
  const lines = (label: typeof lesion) => groups(report({ manifest: { ...manifest, labels: [label, ...manifest.labels.slice(1)] } }))[0]!;
  assert.deepEqual(
    lines(lesion).filter((line) => /Finding Site|Laterality/.test(line)),
    ["  HAS CONCEPT MOD: Finding Site = Abdomen", "    HAS CONCEPT MOD: Laterality = Left"],
  );
  const nowhere = lines({ ...lesion, anatomicRegion: null });
  assert.equal(nowhere[nowhere.indexOf("  CONTAINS: Finding = Mass") + 1], "    HAS CONCEPT MOD: Laterality = Left");
});

test("a structure without voxels is not found, and one that the model does not name is refused", () => {
  assert.equal(groups(report({ structures: [{ ...measured[0], voxels: 0 }] })).length, 0);
  assert.throws(() => groups(report({ structures: [{ ...measured[0], value: 9 }] })), { code: "label-unknown", message: /found 9/ });
});
