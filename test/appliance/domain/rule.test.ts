import assert from "node:assert/strict";
import { test } from "node:test";
import {
  outputsOf,
  type Rule,
  type RuleCandidate,
  sendsOf,
  storedRule,
  usualOutputSettings,
  whyNot,
} from "../../../appliance/domain/rule.ts";
import type { InstanceFacts } from "../../../appliance/domain/series.ts";

const image: InstanceFacts = {
  sopClassUid: "1.2.840.10008.5.1.4.1.1.2",
  modality: "CT",
  imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
  rows: 512,
  columns: 512,
  numberOfFrames: 1,
  imageOrientationPatient: [1, 0, 0, 0, 1, 0],
};
const localizer: InstanceFacts = {
  ...image,
  imageType: ["ORIGINAL", "PRIMARY", "LOCALIZER"],
  imageOrientationPatient: [0, 1, 0, 0, 0, -1],
};

function rule(match: Partial<Rule["match"]> = {}): Rule {
  const all = { modality: "CT", axial: true, minimumSlices: 3, callingAeTitles: [], seriesDescription: "" };
  return {
    name: "axial CT",
    match: { ...all, ...match },
    model: "reference",
    outputs: ["seg"],
    destinations: [],
    deliver: "at-once",
    emptySeg: false,
    ...usualOutputSettings,
  };
}

function series(instances: readonly InstanceFacts[], rest: Partial<RuleCandidate> = {}): RuleCandidate {
  return { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", seriesDescription: "Thorax 3.0 B31f", instances, ...rest };
}

const slices = (count: number, facts: Partial<InstanceFacts> = {}): InstanceFacts[] =>
  Array.from({ length: count }, () => ({ ...image, ...facts }));
const codeOf = (asked: Rule, candidate: RuleCandidate): string | undefined => whyNot(asked, candidate)?.code;

test("an axial CT with enough slices is taken", () => {
  assert.equal(whyNot(rule(), series(slices(3))), null);
});

test("another modality is named", () => {
  assert.deepEqual(whyNot(rule(), series(slices(3, { modality: "MR" }))), { code: "modality", message: "modality is MR, expected CT" });
  assert.match(whyNot(rule(), series(slices(3, { modality: "" })))!.message, /not given/);
});

test("one image of another modality among CT images is enough to be refused", () => {
  assert.equal(codeOf(rule(), series([...slices(3), { ...image, modality: "PT" }])), "modality");
});

test("only the calling AE titles of the rule count, where it names some", () => {
  assert.equal(codeOf(rule({ callingAeTitles: ["CT2"] }), series(slices(3))), "calling-ae-title");
  assert.equal(codeOf(rule({ callingAeTitles: ["CT2", "CT1"] }), series(slices(3))), undefined);
});

test("the series description is matched anywhere and in any case", () => {
  assert.equal(codeOf(rule({ seriesDescription: "thorax" }), series(slices(3))), undefined);
  assert.equal(codeOf(rule({ seriesDescription: "^abdomen" }), series(slices(3))), "series-description");
});

test("a series of localizers is refused as such", () => {
  assert.equal(codeOf(rule(), series([localizer, localizer, localizer])), "localizer");
});

test("localizers in front of a series neither count as slices nor spoil its orientation", () => {
  assert.equal(codeOf(rule(), series([localizer, ...slices(3)])), undefined);
  assert.equal(codeOf(rule(), series([localizer, localizer, ...slices(2)])), "too-few-slices");
});

test("a screenshot among the images is refused, not segmented", () => {
  const screenshot = { ...image, sopClassUid: "1.2.840.10008.5.1.4.1.1.7" };
  assert.equal(codeOf(rule(), series([...slices(3), screenshot])), "not-ct-images");
});

test("too few slices say how many there are and how many are needed", () => {
  assert.equal(whyNot(rule(), series(slices(1)))!.message, "1 slice, expected at least 3");
  assert.equal(whyNot(rule(), series(slices(2)))!.message, "2 slices, expected at least 3");
});

test("the frames of a multi-frame image count as slices", () => {
  const enhanced = { ...image, sopClassUid: "1.2.840.10008.5.1.4.1.1.2.1", numberOfFrames: 40, imageOrientationPatient: null };
  assert.equal(codeOf(rule({ minimumSlices: 40 }), series([enhanced])), undefined);
  assert.equal(codeOf(rule({ minimumSlices: 41 }), series([enhanced])), "too-few-slices");
});

/** Row and column vectors of an axial image tilted about the x axis. */
const tilted = (degrees: number): number[] => {
  const angle = (degrees * Math.PI) / 180;
  return [1, 0, 0, 0, Math.cos(angle), Math.sin(angle)];
};

test("coronal and sagittal images are not axial; a gantry tilt is, up to 45 degrees", () => {
  const at = (imageOrientationPatient: readonly number[]) => codeOf(rule(), series(slices(3, { imageOrientationPatient })));
  assert.equal(at([1, 0, 0, 0, 0, -1]), "not-axial");
  assert.equal(at([0, 1, 0, 0, 0, -1]), "not-axial");
  assert.equal(at(tilted(30)), undefined);
  assert.equal(at(tilted(44)), undefined);
  assert.equal(at(tilted(46)), "not-axial");
});

test("a patient lying feet first or prone is still axial", () => {
  const at = (imageOrientationPatient: readonly number[]) => codeOf(rule(), series(slices(3, { imageOrientationPatient })));
  assert.equal(at([-1, 0, 0, 0, 1, 0]), undefined);
  assert.equal(at([-1, 0, 0, 0, -1, 0]), undefined);
});

test("an orientation of zeros is not axial", () => {
  assert.equal(codeOf(rule(), series(slices(3, { imageOrientationPatient: [0, 0, 0, 0, 0, 0] }))), "not-axial");
});

test("a rule that does not ask for axial images takes coronal ones", () => {
  assert.equal(codeOf(rule({ axial: false }), series(slices(3, { imageOrientationPatient: [1, 0, 0, 0, 0, -1] }))), undefined);
});

test("a rule has to write what its destinations may need, each output once", () => {
  const rule = {
    outputs: ["rtstruct"],
    destinations: ["pacs", { node: "archive", send: [["seg-labelmap", "seg", "rtstruct"], "sr"] }],
  } as const;
  assert.deepEqual(outputsOf(rule), ["seg", "seg-labelmap", "rtstruct", "sr"]);
  assert.deepEqual(sendsOf(rule), [
    { destination: "pacs", choices: ["rtstruct"] },
    { destination: "archive", choices: ["seg-labelmap", "seg", "rtstruct"] },
    { destination: "archive", choices: ["sr"] },
  ]);
});

test("a rule for one of our titles takes what was sent to it", () => {
  const candidate = series(slices(5), { calledAeTitle: "SEGNECK" });
  assert.equal(whyNot(rule({ calledAeTitles: ["SEGNECK", "SEGLUNG"] }), candidate), null);
  assert.deepEqual(whyNot(rule({ calledAeTitles: ["SEGBOX"] }), candidate), {
    code: "called-ae-title",
    message: "sent to SEGNECK, expected SEGBOX",
  });
});

test("a rule that was stored by a release without these settings has the usual ones, and keeps what it has", () => {
  const { rtstruct: _, segLabelmap: __, surfaces: ___, ...older } = rule();
  assert.deepEqual(storedRule(older), rule());
  assert.equal(storedRule({ ...older, surfaces: "stl" }).surfaces, "stl");
});
