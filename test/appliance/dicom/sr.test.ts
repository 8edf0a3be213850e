import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSr, type ReportedReview, type ReportRequest } from "../../../appliance/dicom/sr.ts";
import { plainTexts } from "../../make/result-request.ts";
import { measured, report } from "../../make/sr-request.ts";
import { contentLines, items, parse } from "./content-lines.ts";

const lines = (from: ReportRequest) => contentLines(parse(encodeSr(from)));
/** What stands below a heading of the first level. */
function below(from: ReportRequest, heading: string): string[] {
  const all = lines(from);
  const start = all.indexOf(`  CONTAINS: ${heading}`) + 1;
  const length = all.slice(start).findIndex((line) => !line.startsWith("    "));
  return start === 0 ? [] : all.slice(start, length < 0 ? all.length : start + length).map((line) => line.slice(4));
}
const accepted: ReportedReview = {
  state: "accepted",
  reviewer: "Müller, Anna",
  organization: "Klinik am See",
  reviewedAt: Date.UTC(2026, 10, 24, 8, 5),
  comment: "",
};

test("the report is a TID 1500 that names its language, its observer and the procedure", () => {
  const sr = parse(encodeSr(report()));
  assert.equal(items(sr, "x0040a504")[0]!.string("x0040db00"), "1500");
  const [title, ...rest] = contentLines(sr).filter((line) => !line.startsWith("    "));
  assert.equal(title, "root: Imaging Measurement Report");
  assert.deepEqual(
    rest.map((line) => line.trim().replace(/2\.25\.\d+/, "UID")),
    [
      "HAS CONCEPT MOD: Language of Content Item and Descendants = English",
      "HAS OBS CONTEXT: Observer Type = Device",
      "HAS OBS CONTEXT: Device Observer UID = UID",
      "HAS OBS CONTEXT: Device Observer Name = SEGBOX1",
      "HAS OBS CONTEXT: Device Observer Manufacturer = Segbox",
      "HAS OBS CONTEXT: Device Observer Model Name = Segbox",
      "HAS OBS CONTEXT: Device Observer Serial Number = SB-0001",
      "HAS CONCEPT MOD: Procedure reported = CT unspecified body region",
      "CONTAINS: Image Library",
      "CONTAINS: Imaging Measurements",
      "CONTAINS: Qualitative Evaluations",
    ],
  );
});

test("the same request gives the same bytes, and an iteration again too", () => {
  const pieces = encodeSr(report());
  const bytes = Buffer.concat([...pieces]);
  assert.ok(Buffer.concat([...pieces]).equals(bytes));
  assert.ok(Buffer.concat([...encodeSr(report())]).equals(bytes));
});

test("model, version and every line of provenance stand with the measurements", () => {
  const algorithm = below(report(), "Imaging Measurements").filter((line) => line.startsWith("HAS CONCEPT MOD: "));
  assert.deepEqual(algorithm, [
    "HAS CONCEPT MOD: Algorithm Name = nnU-Net",
    "HAS CONCEPT MOD: Algorithm Version = 2.5.1",
    `HAS CONCEPT MOD: Algorithm Parameters = model test-model 1.2.3; fp32 sha256:${"ab".repeat(32)}`,
    "HAS CONCEPT MOD: Algorithm Parameters = engine onnxruntime 1.30.0, fp32",
    "HAS CONCEPT MOD: Algorithm Parameters = input sha256:0123",
    "HAS CONCEPT MOD: Algorithm Family = Artificial Intelligence",
  ]);
});

test("the whole record stands in it as JSON, whatever characters its settings have", () => {
  const heading = "CONTAINS: Provenance record (JSON) = ";
  const line = below(report(), "Qualitative Evaluations").find((each) => each.startsWith(heading))!;
  assert.deepEqual(JSON.parse(line.slice(heading.length)), report().record);
});

test("a result without any structure says what was looked for in vain, and by what", () => {
  const empty = report({ structures: [], segmentation: null });
  assert.deepEqual(below(empty, "Imaging Measurements"), []);
  const said = below(empty, "Qualitative Evaluations");
  assert.equal(said[0], "HAS CONCEPT MOD: Algorithm Name = nnU-Net");
  assert.deepEqual(said.slice(6, 9), [
    "CONTAINS: Finding = No structure found",
    "CONTAINS: Finding = None of the 3 structures that were looked for was found.",
    "CONTAINS: Comment = Looked for and not found: Left kidney 1, Right kidney 2, Left kidney 3.",
  ]);
});

test("structures that were looked for and not found are named beside those found", () => {
  assert.equal(below(report(), "Qualitative Evaluations")[0], "CONTAINS: Comment = Looked for and not found: Left kidney 3.");
  const all = report({ structures: [...measured, { ...measured[0], value: 3 }] });
  assert.ok(!below(all, "Qualitative Evaluations").some((line) => line.includes("not found")));
});

test("what looks wrong with structures that were not found stands beside their names, and not among the algorithm's parameters", () => {
  const check = "Left kidney is missing, though its neighbours are there";
  const checked = report({ checks: [check] });
  assert.deepEqual(below(checked, "Qualitative Evaluations").slice(0, 2), [
    "CONTAINS: Comment = Looked for and not found: Left kidney 3.",
    `CONTAINS: Plausibility = ${check}`,
  ]);
  assert.equal(lines(checked).filter((line) => line.includes(check)).length, 1);
});

test("before a review the report is preliminary and unverified, and says so", () => {
  const sr = parse(encodeSr(report()));
  assert.deepEqual(
    ["x0040a491", "x0040a493", "x0040a496"].map((tag) => sr.string(tag)),
    ["COMPLETE", "UNVERIFIED", "PRELIMINARY"],
  );
  assert.deepEqual(below(report(), "Qualitative Evaluations").slice(2), [
    "CONTAINS: Review state = AI-generated, not reviewed",
    "CONTAINS: Comment = Limits of use: diagnosis",
    "CONTAINS: Comment = AI-generated by nnU-Net 2.5.1, not reviewed.",
  ]);
});

test("an accepted result is verified by its reviewer, in the time zone of the document", () => {
  const from = report({ review: accepted, timezoneOffsetMinutes: 60 });
  const sr = parse(encodeSr(from));
  assert.deepEqual([sr.string("x0040a493"), sr.string("x0040a496")], ["VERIFIED", "FINAL"]);
  const [observer] = items(sr, "x0040a073");
  assert.deepEqual(
    ["x0040a075", "x0040a027", "x0040a030"].map((tag) => observer!.string(tag)),
    ["Muller, Anna^", "Klinik am See", "20261124090500.000"],
  );
  assert.equal(
    below(from, "Qualitative Evaluations").at(-1),
    "CONTAINS: Comment = AI-generated by nnU-Net 2.5.1, accepted by Muller, Anna on 2026-11-24 09:05.",
  );
});

test("a rejected result, and one accepted for nobody named, is not verified but tells who looked", () => {
  const cases: [ReportedReview, string][] = [
    [{ ...accepted, state: "rejected", comment: "wrong side" }, "rejected by Muller, Anna on 2026-11-24 08:05: wrong side"],
    [{ ...accepted, organization: "" }, "accepted by Muller, Anna on 2026-11-24 08:05."],
  ];
  for (const [review, sentence] of cases) {
    const sr = parse(encodeSr(report({ review })));
    assert.deepEqual(
      [sr.string("x0040a493"), sr.string("x0040a496")],
      ["UNVERIFIED", review.state === "accepted" ? "FINAL" : "PRELIMINARY"],
    );
    assert.deepEqual(items(sr, "x0040a073"), []);
    assert.ok(contentLines(sr).at(-1)!.endsWith(sentence), contentLines(sr).at(-1));
  }
});

test("every instance that is referred to is listed as evidence, by its series, in the study", () => {
  const [study, ...others] = items(parse(encodeSr(report())), "x0040a375");
  assert.deepEqual(others, []);
  assert.equal(study!.string("x0020000d"), "1.2.826.0.1.3680043.8.498.1");
  const listed = items(study!, "x00081115").map((series) => [
    series.string("x0020000e"),
    items(series, "x00081199").map((sop) => sop.string("x00081155")),
  ]);
  assert.deepEqual(listed, [
    ["1.2.826.0.1.3680043.8.498.2", [1, 2, 3].map((slice) => `1.2.826.0.1.3680043.8.498.4.${slice}`)],
    ["2.25.333", ["2.25.444"]],
  ]);
});

test("a multi-frame source is one image of the library", () => {
  const library = below(report({}, { isMultiFrame: true }), "Image Library");
  assert.deepEqual(
    library.filter((line) => line.includes("IMAGE")),
    ["  CONTAINS: IMAGE = 1.2.826.0.1.3680043.8.498.4"],
  );
});

test("the body part is coded where the source names one that reads the same in every edition", () => {
  const regionOf = (bodyPart: string) =>
    below(report({}, { texts: { ...plainTexts, "00180015": bodyPart } }), "Image Library").filter((line) => line.includes("Target Region"));
  assert.deepEqual(regionOf("CHEST"), ["  HAS ACQ CONTEXT: Target Region = Chest"]);
  assert.deepEqual(regionOf("THX"), []);
});

test("a report that takes another's place refers to it", () => {
  const predecessor = { seriesInstanceUid: "2.25.10", sopInstanceUid: "2.25.11" };
  const sr = parse(encodeSr(report({ predecessor })));
  const [study] = items(sr, "x0040a360");
  const [series] = items(study!, "x00081115");
  const [sop] = items(series!, "x00081199");
  assert.deepEqual(
    [study!.string("x0020000d"), series!.string("x0020000e"), sop!.string("x00081155"), sop!.string("x00081150")],
    ["1.2.826.0.1.3680043.8.498.1", "2.25.10", "2.25.11", sr.string("x00080016")],
  );
  assert.deepEqual(items(parse(encodeSr(report())), "x0040a360"), []);
});

test("what made the result is another device for another model", () => {
  const deviceUid = (from: ReportRequest) => items(parse(encodeSr(from)), "x0018a001")[0]!.string("x00181002");
  const { manifest } = report();
  const [part] = manifest.parts;
  const networks = part!.networks.map((network) => ({ ...network, sha256: "cd".repeat(32) }));
  const retrained = { ...manifest, parts: [{ ...part!, networks }] };
  assert.equal(deviceUid(report()), deviceUid(report({ structures: [] })));
  assert.notEqual(deviceUid(report()), deviceUid(report({ manifest: retrained })));
});
