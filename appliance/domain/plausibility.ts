import type { Label } from "./model.ts";
import {
  expectations,
  type HuRange,
  huRanges,
  lungLobes,
  lungsRange,
  sequences,
  type VolumeRange,
  vertebrae,
  volumeRanges,
} from "./plausibility-ranges.ts";
import type { StructureMeasure } from "./result.ts";

export type Severity = "info" | "warning";

/** One rule, for the page that explains it. */
export type PlausibilityRule = { readonly severity: Severity; readonly title: string; readonly explanation: string };

/**
 * The rules by their codes, which are stable. They judge measures of a result against each other and against what adults measure; they do
 * not look at the images, and a result without flags may be wrong still. info: a person reading the number should know. warning: look at the
 * outlines before using them.
 */
export const plausibilityRules = {
  "nothing-found": {
    severity: "info",
    title: "Nothing found",
    explanation: "The model found none of its structures in the images.",
  },
  truncated: {
    severity: "info",
    title: "Cut off by the images",
    explanation: "The structure reaches the outermost layer of the images and may go on outside: its volume is a lower bound.",
  },
  "volume-unusual": {
    severity: "info",
    title: "Unusual volume",
    explanation: "The volume is outside the range of healthy adults. Disease, surgery, childhood or a wrong outline can be the cause.",
  },
  "volume-implausible": {
    severity: "warning",
    title: "Implausible volume",
    explanation: "The volume is less than half of the least, or more than twice the most, that healthy adults have.",
  },
  "hu-implausible": {
    severity: "warning",
    title: "Implausible density",
    explanation: "The mean HU is outside what the tissue can have: the outline holds something else, or the images are no plain HU.",
  },
  "missing-between": {
    severity: "warning",
    title: "Missing between its neighbours",
    explanation:
      "A vertebra or rib was not found though one above and one below it were. One in ten people has a variant number of vertebrae, so the numbering of its neighbours may be shifted too (Nakajima et al., Insights Imaging 2014, doi 10.1007/s13244-013-0286-0).",
  },
  missing: {
    severity: "warning",
    title: "Missing though its surroundings are there",
    explanation: "The organ was not found though the part of the body that holds it is in the images. It may have been removed.",
  },
  "one-sided": {
    severity: "info",
    title: "Found on one side only",
    explanation: "One of a pair was found whole, the other not at all.",
  },
  "sides-swapped": {
    severity: "warning",
    title: "Left and right may be swapped",
    explanation: "The structure called left lies further to the patient's right than the one called right.",
  },
  "order-wrong": {
    severity: "warning",
    title: "Vertebrae out of order",
    explanation: "A vertebra lies above one that has its place above it.",
  },
  duplicate: {
    severity: "warning",
    title: "Listed twice",
    explanation: "Two entries stand for one structure, so that neither is known to be all of it.",
  },
} as const satisfies Readonly<Record<string, PlausibilityRule>>;

export type FlagCode = keyof typeof plausibilityRules;

export type Flag = {
  readonly code: FlagCode;
  readonly severity: Severity;
  /** The label it is about; null for the result as a whole. */
  readonly label: number | null;
  /** A sentence with what was found and what was expected. */
  readonly message: string;
  /** Where the expectation is from; null where the rule's own explanation says it. */
  readonly source: string | null;
};

export type PlausibilityMeasure = Pick<StructureMeasure, "value" | "volumeMl" | "meanHu" | "touchesBorder" | "centreLps">;
export type PlausibilityLabel = Pick<Label, "value" | "name"> & { readonly title?: string };

/**
 * What a person should know of a result before trusting it, in the order of the rules. Rules that need a structure that the model does not
 * draw, or a place that was not measured, do not apply.
 *
 * @param labels all that the model draws, whether found or not
 */
export function checkPlausibility(structures: readonly PlausibilityMeasure[], labels: readonly PlausibilityLabel[]): Flag[] {
  if (structures.length === 0) return [flag("nothing-found", null, "none of the model's structures was found")];
  const facts = gather(structures, labels);
  return checks.flatMap((check) => check(facts));
}

type Facts = {
  readonly structures: readonly PlausibilityMeasure[];
  readonly labels: readonly PlausibilityLabel[];
  /** What was found, by name. */
  readonly found: ReadonlyMap<string, PlausibilityMeasure>;
  /** What the model draws, by name. */
  readonly drawn: ReadonlyMap<string, PlausibilityLabel>;
  readonly titleOf: (name: string) => string;
};

function gather(structures: readonly PlausibilityMeasure[], labels: readonly PlausibilityLabel[]): Facts {
  const found = new Map<string, PlausibilityMeasure>();
  for (const structure of structures) found.set(nameOf(structure.value, labels), structure);
  const drawn = new Map(labels.map((label) => [label.name, label]));
  return { structures, labels, found, drawn, titleOf: (name) => drawn.get(name)?.title ?? name };
}

function nameOf(value: number, labels: readonly PlausibilityLabel[]): string {
  return labels.find((label) => label.value === value)?.name ?? `label_${value}`;
}

function flag(code: FlagCode, label: number | null, message: string, source: string | null = null): Flag {
  return { code, severity: plausibilityRules[code].severity, label, message, source };
}

const checks: readonly ((facts: Facts) => Flag[])[] = [
  findTruncated,
  findVolumes,
  findLungVolume,
  findDensities,
  findGaps,
  findMissing,
  findOneSided,
  findSwappedSides,
  findWrongOrder,
  findDuplicates,
];

function findTruncated({ found, titleOf }: Facts): Flag[] {
  return [...found]
    .filter(([, { touchesBorder }]) => touchesBorder)
    .map(([name, { value, volumeMl }]) =>
      flag("truncated", value, `${titleOf(name)} reaches the border of the images: its volume is at least ${ml(volumeMl)}`),
    );
}

function findVolumes({ found, titleOf }: Facts): Flag[] {
  return [...found].flatMap(([name, { value, volumeMl, touchesBorder }]) => {
    const range = Object.hasOwn(volumeRanges, name) ? volumeRanges[name] : undefined;
    return range ? judgeVolume(titleOf(name), value, volumeMl, touchesBorder, range) : [];
  });
}

function findLungVolume({ found }: Facts): Flag[] {
  const lobes = lungLobes.map((name) => found.get(name));
  if (lobes.some((lobe) => lobe === undefined)) return [];
  const volumeMl = lobes.reduce((sum, lobe) => sum + lobe!.volumeMl, 0);
  const isCut = lobes.some((lobe) => lobe!.touchesBorder);
  return judgeVolume("the sum of the five lobes of the lungs", null, volumeMl, isCut, lungsRange);
}

/** Of a structure that is cut off only the upper end is judged. */
function judgeVolume(
  title: string,
  label: number | null,
  volumeMl: number,
  isCut: boolean,
  { lowMl, highMl, source }: VolumeRange,
): Flag[] {
  const isLow = volumeMl < lowMl && !isCut;
  const isHigh = highMl !== null && volumeMl > highMl;
  if (!isLow && !isHigh) return [];
  const isFar = isLow ? volumeMl < lowMl / 2 : volumeMl > 2 * highMl!;
  const range = highMl === null ? `at least ${ml(lowMl)}` : `${ml(lowMl)} to ${ml(highMl)}`;
  const message = `${title} measures ${ml(volumeMl)}${isCut ? " and is cut off" : ""}, expected ${range} as in healthy adults`;
  return [flag(isFar ? "volume-implausible" : "volume-unusual", label, message, source)];
}

function findDensities({ found, titleOf }: Facts): Flag[] {
  return [...found].flatMap(([name, { value, meanHu }]) => {
    const range = huRanges.find(({ names }) => names.test(name));
    if (!range || ((range.lowHu === null || meanHu >= range.lowHu) && (range.highHu === null || meanHu <= range.highHu))) return [];
    const message = `${titleOf(name)} has a mean of ${meanHu.toFixed(0)} HU, expected ${inWords(range)}`;
    return [flag("hu-implausible", value, message, range.because)];
  });
}

function findGaps({ found, drawn, titleOf }: Facts): Flag[] {
  return sequences.flatMap((sequence) => {
    const there = sequence.flatMap((name, place) => (found.has(name) ? [place] : []));
    return sequence.flatMap((name, place) => {
      const above = there.findLast((other) => other < place);
      const below = there.find((other) => other > place);
      const label = drawn.get(name);
      if (found.has(name) || above === undefined || below === undefined || !label) return [];
      const neighbours = `${titleOf(sequence[above]!)} and ${titleOf(sequence[below]!)}`;
      return [flag("missing-between", label.value, `${titleOf(name)} was not found between ${neighbours}`)];
    });
  });
}

function findMissing({ found, drawn, titleOf }: Facts): Flag[] {
  const list = (names: readonly string[]): string => names.map(titleOf).join(", ");
  return expectations.flatMap(({ expected, whole, seen }) => {
    const isInView = whole.every((name) => found.get(name)?.touchesBorder === false) && seen.every((name) => found.has(name));
    if (!isInView) return [];
    const because = `${list(whole)} are whole in the images${seen.length > 0 ? ` and ${list(seen)} in view` : ""}`;
    return expected.flatMap((name) => {
      const label = drawn.get(name);
      return label && !found.has(name) ? [flag("missing", label.value, `${titleOf(name)} was not found, though ${because}`)] : [];
    });
  });
}

function findOneSided(facts: Facts): Flag[] {
  const { found, drawn, titleOf } = facts;
  const reported = new Set([...findGaps(facts), ...findMissing(facts)].map(({ label }) => label));
  return [...drawn.values()].flatMap(({ name, value }) => {
    const there = found.get(otherSide(name) ?? "");
    // A cyst is on one side as a rule.
    if (found.has(name) || !there || there.touchesBorder || reported.has(value) || name.includes("cyst")) return [];
    return [flag("one-sided", value, `${titleOf(name)} was not found, ${titleOf(otherSide(name)!)} was, and is not cut off`)];
  });
}

function findSwappedSides({ found, titleOf }: Facts): Flag[] {
  return [...found].flatMap(([name, left]) => {
    const right = sideOf(name) === "left" ? found.get(otherSide(name)!) : undefined;
    if (!left.centreLps || !right?.centreLps) return [];
    const leftwardsMm = left.centreLps[0] - right.centreLps[0]; // x runs to the patient's left
    if (leftwardsMm > 0) return [];
    const message = `${titleOf(name)} lies ${Math.abs(leftwardsMm).toFixed(0)} mm to the patient's right of ${titleOf(otherSide(name)!)}`;
    return [flag("sides-swapped", left.value, message)];
  });
}

function findWrongOrder({ found, titleOf }: Facts): Flag[] {
  const there = vertebrae.flatMap((name) => {
    const measure = found.get(name);
    return measure?.centreLps ? [{ name, value: measure.value, heightMm: measure.centreLps[2] }] : [];
  });
  return there.flatMap(({ name, value, heightMm }, n) => {
    const above = there[n - 1];
    if (!above || heightMm < above.heightMm) return [];
    return [flag("order-wrong", value, `${titleOf(name)} lies ${(heightMm - above.heightMm).toFixed(0)} mm above ${titleOf(above.name)}`)];
  });
}

function findDuplicates({ structures, labels }: Facts): Flag[] {
  const twice = structures.filter(({ value }, n) => structures.findIndex((other) => other.value === value) < n);
  const sameName = labels.filter(({ name, value }) => labels.some((other) => other.name === name && other.value < value));
  return [
    ...twice.map(({ value }) => flag("duplicate", value, `${nameOf(value, labels)} is measured twice`)),
    ...sameName.map(({ name, value }) => flag("duplicate", value, `two labels of the model are called ${name}`)),
  ];
}

function sideOf(name: string): "left" | "right" | null {
  return (/(?:^|_)(left|right)(?:_|$)/.exec(name)?.[1] as "left" | "right" | undefined) ?? null;
}

function otherSide(name: string): string | null {
  const side = sideOf(name);
  return side === null ? null : name.replace(side, side === "left" ? "right" : "left");
}

function inWords({ lowHu, highHu }: HuRange): string {
  if (lowHu === null) return `at most ${highHu} HU`;
  return highHu === null ? `at least ${lowHu} HU` : `${lowHu} to ${highHu} HU`;
}

/** Four digits that count: 1243 ml, 86.52 ml, 0.5214 ml. Fewer would write 18.76 and 18.8 alike. */
function ml(volumeMl: number): string {
  return `${Number(volumeMl.toPrecision(4))} ml`;
}
