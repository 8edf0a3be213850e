import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPlausibility, type Flag, type PlausibilityMeasure, plausibilityRules } from "../../../appliance/domain/plausibility.ts";
import { expectations, huRanges, lungLobes, sequences, volumeRanges } from "../../../appliance/domain/plausibility-ranges.ts";

/** What an adult's abdomen measures, whole in the images; x to the left and z to the head as in LPS. */
const normal: Readonly<Record<string, Omit<PlausibilityMeasure, "value">>> = {
  liver: at(1300, 55, -70, 40),
  spleen: at(190, 48, 110, 60),
  kidney_left: at(170, 30, 70, 0),
  kidney_right: at(165, 30, -70, -10),
  adrenal_gland_left: at(4.2, 10, 40, 40),
  adrenal_gland_right: at(4.1, 10, -30, 45),
  pancreas: at(75, 20, 20, 20),
  iliopsoas_left: at(280, 48, 60, -120),
  iliopsoas_right: at(270, 47, -60, -120),
  vertebrae_T12: at(45, 180, 0, 50),
  vertebrae_L1: at(55, 190, 0, 15),
  vertebrae_L2: at(58, 190, 1, -20),
  vertebrae_L3: at(60, 190, 1, -55),
  rib_left_11: at(6, 220, 100, 20),
  rib_right_11: at(6, 220, -100, 20),
  rib_left_12: at(4, 230, 60, 0),
  rib_right_12: at(4, 230, -60, 0),
};

function at(volumeMl: number, meanHu: number, x: number, z: number) {
  return { volumeMl, meanHu, touchesBorder: false, centreLps: [x, 0, z] } as const;
}

/** All that the model draws: what is normal here, and some that are not in these images. */
const names = [...Object.keys(normal), "urinary_bladder", "lungs", ...lungLobes, "heart", "aorta", "fat", "trachea", "femur_left"];
const labels = names.map((name, n) => ({ value: n + 1, name }));
const numberOf = (name: string): number => names.indexOf(name) + 1;

/** The normal abdomen with some structures changed, added, or (null) not found. */
function flagsWith(changes: Readonly<Record<string, Partial<PlausibilityMeasure> | null>>): Flag[] {
  const found = new Map<string, PlausibilityMeasure>(
    Object.entries(normal).map(([name, measure]) => [name, { value: numberOf(name), ...measure }]),
  );
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) found.delete(name);
    else found.set(name, { ...at(50, 50, 0, 0), ...found.get(name), value: numberOf(name), ...change });
  }
  return checkPlausibility([...found.values()], labels);
}

const lobes = (volumeMl: number, touchesBorder = false) =>
  Object.fromEntries(lungLobes.map((name) => [name, { ...at(volumeMl, -820, name.endsWith("left") ? 80 : -80, 200), touchesBorder }]));
const chest = { heart: at(650, 120, 20, 180), aorta: at(250, 150, 10, 100) };
/** Without a centre, as in results of earlier releases. */
const placeless = (name: string): PlausibilityMeasure => {
  const { centreLps: _, ...rest } = normal[name]!;
  return { value: numberOf(name), ...rest };
};

const table: readonly [what: string, changes: Parameters<typeof flagsWith>[0], expected: readonly string[]][] = [
  ["a normal abdomen has no flags", {}, []],
  [
    "a structure at the border is truncated, and too small a volume is no fault then",
    { spleen: { touchesBorder: true, volumeMl: 5 } },
    ["truncated spleen"],
  ],
  [
    "a structure at the border can be too large still",
    { spleen: { touchesBorder: true, volumeMl: 400 } },
    ["truncated spleen", "volume-unusual spleen"],
  ],
  [
    "a volume a little outside is unusual",
    { liver: { volumeMl: 1701 }, pancreas: { volumeMl: 18.7 } },
    ["volume-unusual liver", "volume-unusual pancreas"],
  ],
  ["the ends of a range belong to it", { liver: { volumeMl: 1700 }, spleen: { volumeMl: 81.1 } }, []],
  ["less than half of the least is implausible", { kidney_left: { volumeMl: 45.9 } }, ["volume-implausible kidney_left"]],
  ["more than twice the most is implausible", { spleen: { volumeMl: 645 } }, ["volume-implausible spleen"]],
  ["a range without upper end has none", { kidney_right: { volumeMl: 4000 } }, []],
  ["what has no range is not judged by its volume", { urinary_bladder: { volumeMl: 0.1 } }, []],
  ["lobes are judged by their sum", { ...lobes(300), ...chest }, ["volume-unusual whole"]],
  ["lobes of a normal sum are fine", { ...lobes(900), ...chest }, []],
  ["lobes cut off are not too small", { ...lobes(100, true) }, lungLobes.map((name) => `truncated ${name}`)],
  ["lungs of the reference model have a range too", { lungs: at(900, -800, 0, 200) }, ["volume-implausible lungs"]],
  ["lungs with the HU of soft tissue", { lungs: at(4000, 30, 0, 200) }, ["hu-implausible lungs"]],
  ["lungs below air", { lungs: at(4000, -1001, 0, 200) }, ["hu-implausible lungs"]],
  ["fat with the HU of muscle", { fat: { meanHu: -29 } }, ["hu-implausible fat"]],
  ["a windpipe filled with something", { trachea: { meanHu: 20 } }, ["hu-implausible trachea"]],
  ["bone lighter than water", { vertebrae_L1: { meanHu: -1 } }, ["hu-implausible vertebrae_L1"]],
  ["muscle above the range of muscle", { iliopsoas_left: { meanHu: 151 } }, ["hu-implausible iliopsoas_left"]],
  [
    "liver with the HU of fat, and one full of contrast agent",
    { liver: { meanHu: -31 }, spleen: { meanHu: 400 } },
    ["hu-implausible liver"],
  ],
  ["a vertebra missing between two", { vertebrae_L2: null }, ["missing-between vertebrae_L2"]],
  [
    "two vertebrae missing in a row",
    { vertebrae_L1: null, vertebrae_L2: null },
    ["missing-between vertebrae_L1", "missing-between vertebrae_L2"],
  ],
  ["a vertebra missing at the end of the images", { vertebrae_L3: null }, []],
  ["a kidney missing where the abdomen is whole", { kidney_left: null }, ["missing kidney_left"]],
  [
    "both kidneys missing where the abdomen is whole",
    { kidney_left: null, kidney_right: null },
    ["missing kidney_left", "missing kidney_right"],
  ],
  [
    "kidneys missing where the liver is cut off",
    { kidney_left: null, kidney_right: null, liver: { touchesBorder: true } },
    ["truncated liver"],
  ],
  [
    "one kidney missing where the liver is cut off",
    { kidney_left: null, liver: { touchesBorder: true } },
    ["truncated liver", "one-sided kidney_left"],
  ],
  ["one rib of a pair missing", { rib_left_12: null }, ["one-sided rib_left_12"]],
  ["the other of a pair is cut off", { rib_left_12: null, rib_right_12: { touchesBorder: true } }, ["truncated rib_right_12"]],
  ["the liver missing between kidneys and spleen", { liver: null }, ["missing liver"]],
  [
    "the middle lobe missing between whole lobes",
    { ...lobes(900), ...chest, lung_middle_lobe_right: null },
    ["missing lung_middle_lobe_right"],
  ],
  ["the heart missing between whole lungs", { ...lobes(900), ...chest, heart: null }, ["missing heart"]],
  [
    "left and right swapped",
    { kidney_left: { centreLps: [-70, 0, 0] }, kidney_right: { centreLps: [70, 0, 0] } },
    ["sides-swapped kidney_left"],
  ],
  ["left and right at one place", { rib_left_12: { centreLps: [-60, 0, 0] } }, ["sides-swapped rib_left_12"]],
  ["a vertebra above the one that belongs above it", { vertebrae_L2: { centreLps: [0, 0, 16] } }, ["order-wrong vertebrae_L2"]],
];

for (const [what, changes, expected] of table)
  test(`plausibility: ${what}`, () => {
    const flags = flagsWith(changes).map(({ code, label }) => `${code} ${label === null ? "whole" : names[label - 1]}`);
    assert.deepEqual(flags.toSorted(), [...expected].toSorted());
  });

test("nothing found is said of the result as a whole", () => {
  assert.deepEqual(
    checkPlausibility([], labels).map(({ code, label, severity }) => [code, label, severity]),
    [["nothing-found", null, "info"]],
  );
});

test("a label measured twice and two labels of one name are duplicates", () => {
  const spleen = { value: numberOf("spleen"), ...normal.spleen! };
  assert.deepEqual(
    checkPlausibility([spleen, spleen], labels).map(({ code, label }) => [code, label]),
    [["duplicate", numberOf("spleen")]],
  );
  const flags = checkPlausibility([spleen], [...labels, { value: 200, name: "spleen" }]);
  assert.deepEqual(
    flags.map(({ code, label }) => [code, label]),
    [["duplicate", 200]],
  );
});

test("structures that the model does not draw are not missed", () => {
  const drawn = labels.filter(({ name }) => !["kidney_left", "vertebrae_L2", "rib_left_12"].includes(name));
  const found = drawn.flatMap(({ name, value }) => (normal[name] ? [{ value, ...normal[name] }] : []));
  assert.deepEqual(checkPlausibility(found, drawn), []);
});

test("results without places are judged by all that does not need one", () => {
  assert.deepEqual(checkPlausibility([placeless("kidney_left"), placeless("kidney_right"), placeless("vertebrae_L1")], labels), []);
});

test("a structure that no label names goes by its number", () => {
  const [flag] = checkPlausibility([{ value: 250, ...at(1, 1, 0, 0), touchesBorder: true }], labels);
  assert.match(flag!.message, /^label_250 reaches the border/);
});

test("messages say what was found and expected, by the label's title, and where the expectation is from", () => {
  const titled = labels.map((label) => ({ ...label, title: label.name === "spleen" ? "Spleen" : label.name }));
  const flags = checkPlausibility([{ value: numberOf("spleen"), ...at(722, -100, 100, 0), touchesBorder: true }], titled);
  assert.deepEqual(
    flags.map(({ message }) => message),
    [
      "Spleen reaches the border of the images: its volume is at least 722 ml",
      "Spleen measures 722 ml and is cut off, expected 81.1 ml to 322 ml as in healthy adults",
      "Spleen has a mean of -100 HU, expected at least -30 HU",
    ],
  );
  assert.deepEqual(
    flags.map(({ severity }) => severity),
    ["info", "warning", "warning"],
  );
  assert.match(flags[1]!.source ?? "", /2989 healthy liver donors/);
});

test("each rule has its sentence, each range its order and source, and no name stands in two classes of HU", () => {
  for (const { title, explanation } of Object.values(plausibilityRules)) assert.ok(title && explanation.endsWith("."));
  for (const { lowMl, highMl, source } of Object.values(volumeRanges))
    assert.ok(lowMl > 0 && lowMl < (highMl ?? Infinity) && source.length > 30);
  const everyName = new Set([
    ...names,
    ...sequences.flat(),
    ...Object.keys(volumeRanges),
    ...expectations.flatMap(({ whole, seen, expected }) => [...whole, ...seen, ...expected]),
  ]);
  for (const name of everyName) assert.ok(huRanges.filter(({ names }) => names.test(name)).length <= 1, name);
});
