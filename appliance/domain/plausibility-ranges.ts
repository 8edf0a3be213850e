/**
 * What structures of adults measure, each range with where it is from. The names are those of TotalSegmentator's `total` classes and of the
 * reference model. Structures for which no source was at hand have no range, and neither have those that fill and empty (bladder, gallbladder,
 * stomach, bowel) or that grow with age and disease by multiples (prostate, thyroid).
 */
export type VolumeRange = { readonly lowMl: number; readonly highMl: number | null; readonly source: string };

const lungs: VolumeRange = {
  lowMl: 1977,
  highMl: 6959,
  source:
    "mean 4468, SD 1271 ml, taken as mean ± 1.96 SD, 564 adults with normal lung function, CT: Cheng et al., Int J COPD 2019;14:1657, doi 10.2147/COPD.S187596",
};
const kidney: VolumeRange = {
  lowMl: 92,
  highMl: null,
  source:
    "5th percentile of the right kidney in women of 60 to 81 years, the lowest of all groups (left kidneys are larger), 1815 adults without kidney disease, MRI: SHIP-TREND, J Clin Med 2024;13(3):769",
};

/** Volumes of healthy adults. Disease goes far beyond them, so what is outside is unusual, not wrong. */
export const volumeRanges: Readonly<Record<string, VolumeRange>> = {
  liver: {
    lowMl: 824.5,
    highMl: 1700,
    source:
      "central 95 % of 2989 healthy liver donors, CT: Kim et al., Population-based and personalized reference intervals for liver and spleen volumes in healthy individuals and those with viral hepatitis",
  },
  spleen: {
    lowMl: 81.1,
    highMl: 322,
    source:
      "central 95 % of 2989 healthy liver donors, CT: Kim et al., Population-based and personalized reference intervals for liver and spleen volumes in healthy individuals and those with viral hepatitis",
  },
  kidney_left: kidney,
  kidney_right: kidney,
  pancreas: {
    lowMl: 18.8,
    highMl: 139.8,
    source: "range in 204 adults without pancreatic disease, CT: Abdom Radiol 2019;44:958, doi 10.1007/s00261-018-1793-8",
  },
  adrenal_gland_left: {
    lowMl: 2.85,
    highMl: 5.83,
    source: "range in 81 adults, CT: Wang et al., Chin Med Sci J 2012;27(4):220, doi 10.1016/S1001-9294(13)60005-X",
  },
  adrenal_gland_right: {
    lowMl: 2.59,
    highMl: 6.56,
    source: "range in 81 adults, CT: Wang et al., Chin Med Sci J 2012;27(4):220, doi 10.1016/S1001-9294(13)60005-X",
  },
  brain: {
    lowMl: 791,
    highMl: 1500,
    source:
      "range in 58 healthy adults of 18 to 95 years, CT: On two equations about brain volume, cranial capacity and age, Surg Radiol Anat, doi 10.1007/s00276-010-0650-4",
  },
  lungs,
};

/** The lobes that make up both lungs; their sum has a range, they themselves have none. */
export const lungLobes = [
  "lung_upper_lobe_left",
  "lung_lower_lobe_left",
  "lung_upper_lobe_right",
  "lung_middle_lobe_right",
  "lung_lower_lobe_right",
] as const;
export const lungsRange = lungs;

/** Between which mean HU a class can lie at all, with or without contrast agent. An end that is null is open: metal and contrast have no limit. */
export type HuRange = {
  readonly names: RegExp;
  readonly lowHu: number | null;
  readonly highHu: number | null;
  /** Why, with the source. */
  readonly because: string;
};

const fatAndMuscle =
  "body composition on CT takes fat as -190 to -30 HU and muscle as -29 to 150 HU (Sci Rep 2025, doi 10.1038/s41598-025-96238-6)";

export const huRanges: readonly HuRange[] = [
  {
    names: /^(lungs|lung_.*)$/,
    lowHu: -1000,
    highHu: -190,
    because: `lung lies between gas, -1000 HU by definition, and fat, the lightest tissue: ${fatAndMuscle}`,
  },
  { names: /^(gas|trachea)$/, lowHu: null, highHu: -190, because: `gas is lighter than fat, the lightest tissue: ${fatAndMuscle}` },
  {
    names: /^(bone|skull|sternum|sacrum|vertebrae_.*|rib_.*|hip_.*|femur_.*|humerus_.*|scapula_.*|clavicula_.*)$/,
    lowHu: 0,
    highHu: null,
    because: "mineral makes bone with its cortex denser than water, 0 HU by definition, fatty marrow included",
  },
  { names: /^fat$/, lowHu: -190, highHu: -30, because: fatAndMuscle },
  { names: /^(gluteus_.*|autochthon_.*|iliopsoas_.*)$/, lowHu: -29, highHu: 150, because: fatAndMuscle },
  {
    names: /^(liver|spleen|kidney_(left|right)|brain|heart|aorta|inferior_vena_cava|urinary_bladder|spinal_cord|soft_tissue)$/,
    lowHu: -30,
    highHu: null,
    because: `a mean of fat or gas is that of another tissue: ${fatAndMuscle}`,
  },
];

/** From head to foot. */
export const vertebrae: readonly string[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => `vertebrae_C${n}`),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => `vertebrae_T${n}`),
  ...[1, 2, 3, 4, 5].map((n) => `vertebrae_L${n}`),
  "sacrum",
];

/** Structures that follow each other, so that none is missing between two that are there. */
export const sequences: readonly (readonly string[])[] = [
  vertebrae,
  ...["left", "right"].map((side) => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => `rib_${side}_${n}`)),
];

/** Structures that must be in the images when the `whole` ones are, uncut, and the `seen` ones at least in part. */
export const expectations: readonly {
  readonly expected: readonly string[];
  readonly whole: readonly string[];
  readonly seen: readonly string[];
}[] = [
  // The kidneys lie between the dome of the liver and the upper psoas. The psoas ends at the femur, so an abdominal CT never holds it whole.
  { expected: ["kidney_left", "kidney_right"], whole: ["liver", "spleen"], seen: ["iliopsoas_left", "iliopsoas_right"] },
  { expected: ["liver"], whole: ["kidney_left", "kidney_right"], seen: ["spleen"] },
  { expected: ["lung_middle_lobe_right"], whole: ["lung_upper_lobe_right", "lung_lower_lobe_right"], seen: [] },
  { expected: ["heart", "aorta"], whole: ["lung_lower_lobe_left", "lung_lower_lobe_right"], seen: [] },
];
