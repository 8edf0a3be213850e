import type { InstanceFacts, Reason } from "./series.ts";

export const resultOutputs = ["seg", "seg-labelmap", "rtstruct", "sr", "secondary-capture", "pdf"] as const;
/** The objects that a result can be written as. */
export type ResultOutput = (typeof resultOutputs)[number];

/** Whatever goes to a destination: a result's objects, the report again once it was judged, and the note that they are to be used no more. */
export const objectKinds = [...resultOutputs, "reviewed-sr", "rejection-note"] as const;
export type ObjectKind = (typeof objectKinds)[number];

/**
 * How an RTSTRUCT tells holes. keyhole: by a cut to the contour around them. inner: as contours of their own of type CLOSED_PLANAR, combined by
 * exclusive or, which is what most readers make of them. inner-xor: the same as CLOSEDPLANAR_XOR, which says it, and which older readers
 * leave out altogether.
 */
export const holeForms = ["keyhole", "inner", "inner-xor"] as const;
export type HoleForm = (typeof holeForms)[number];

/** How a label map SEG holds its pixels; all without loss. */
export const labelMapCompressions = ["none", "rle", "jpeg-ls"] as const;
export type LabelMapCompression = (typeof labelMapCompressions)[number];

/** Files of surfaces. */
export const surfaceForms = ["none", "obj", "stl"] as const;
export type SurfaceForm = (typeof surfaceForms)[number];

/** How outputs are drawn and written, where there is a choice. */
export type OutputSettings = {
  readonly rtstruct: {
    readonly holes: HoleForm;
    /** How far contours may be moved to have fewer points, mm; 0 leaves them as they are traced. */
    readonly simplifyMm: number;
  };
  readonly segLabelmap: { readonly compression: LabelMapCompression };
  /** The surfaces of the structures, to be downloaded: one OBJ with its colours in an MTL, or an STL each in one zip. */
  readonly surfaces: SurfaceForm;
};
/** What every reader takes. */
export const usualOutputSettings: OutputSettings = {
  rtstruct: { holes: "keyhole", simplifyMm: 0 },
  segLabelmap: { compression: "none" },
  surfaces: "none",
};

/** In a rule's destinations: back to the node that the series came from. */
export const toSender = "sender";

/**
 * Where a rule's results go: the name of a node, which gets each output of the rule as it is; or a node and a list of what it gets, each
 * entry one object, by a first choice and what goes in its place where the node does not take that class of object.
 */
export type Destination =
  | string
  | { readonly node: string; readonly send: readonly (ResultOutput | readonly [ResultOutput, ...ResultOutput[]])[] };

export const inferenceModes = ["exact", "fast"] as const;

/** When results leave: as soon as they are written, or when a person has accepted them. */
export const deliveryTimes = ["at-once", "after-acceptance"] as const;

/** Which series, which model, which outputs, which destinations. */
export type Rule = OutputSettings & {
  readonly name: string;
  readonly match: {
    readonly modality: string;
    /** The stack must run along the patient's length, within 45 degrees: gantry tilt passes, sagittal and coronal stacks do not. */
    readonly axial: boolean;
    /** Images, or frames of multi-frame images. */
    readonly minimumSlices: number;
    readonly callingAeTitles: readonly string[];
    /** Of our own AE titles the ones that the series may have been sent to; none, or absent in what an earlier release stored: any. */
    readonly calledAeTitles?: readonly string[];
    /** Regular expression over the Series Description, any case; empty takes all. */
    readonly seriesDescription: string;
  };
  readonly model: string;
  /** `exact` (if absent): every patch where the model's makers put it; `fast`: as few as cover the body. See nnunet/README.md. */
  readonly mode?: (typeof inferenceModes)[number] | undefined;
  readonly outputs: readonly ResultOutput[];
  readonly destinations: readonly Destination[];
  readonly deliver: (typeof deliveryTimes)[number];
  /** Whether a result in which nothing was found still goes out as a SEG, with one segment and a frame without any voxel. */
  readonly emptySeg: boolean;
};

/** A rule as it was stored: one of a release that did not know a setting has the usual one. */
export function storedRule(rule: Omit<Rule, keyof OutputSettings> & Partial<Pick<Rule, keyof OutputSettings>>): Rule {
  return { ...usualOutputSettings, ...rule };
}

/** One object for one destination: the first of the choices that it takes. */
export type Send = { readonly destination: string; readonly choices: readonly ResultOutput[] };

/** What a rule sends, in its own order. */
export function sendsOf({ outputs, destinations }: Pick<Rule, "outputs" | "destinations">): Send[] {
  return destinations.flatMap((destination): Send[] => {
    if (typeof destination === "string") return outputs.map((output) => ({ destination, choices: [output] }));
    return destination.send.map((entry) => ({ destination: destination.node, choices: typeof entry === "string" ? [entry] : entry }));
  });
}

/** All that has to be written for a rule: its outputs, and whatever one of its destinations may need. */
export function outputsOf(rule: Pick<Rule, "outputs" | "destinations">): ResultOutput[] {
  const wanted = new Set([...rule.outputs, ...sendsOf(rule).flatMap(({ choices }) => choices)]);
  return resultOutputs.filter((output) => wanted.has(output));
}

/** What a rule looks at. */
export type RuleCandidate = {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly seriesDescription: string;
  readonly instances: readonly InstanceFacts[];
};

/** Storage SOP classes whose images can be CT slices: CT, Enhanced CT, Legacy Converted Enhanced CT. PS3.4 B.5. */
const ctStorageClasses: readonly string[] = ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"];

/** Null when the rule takes the series, else the first reason why not. */
export function whyNot(rule: Rule, series: RuleCandidate): Reason | null {
  const { match } = rule;
  const { calledAeTitles = [] } = match;
  const of = (code: string, message: string): Reason => ({ code, message });
  const modality = series.instances.find((instance) => instance.modality !== match.modality)?.modality;
  if (modality !== undefined) return of("modality", `modality is ${modality || "not given"}, expected ${match.modality}`);
  if (match.callingAeTitles.length > 0 && !match.callingAeTitles.includes(series.callingAeTitle))
    return of("calling-ae-title", `sent by ${series.callingAeTitle}, expected ${match.callingAeTitles.join(" or ")}`);
  if (calledAeTitles.length > 0 && !calledAeTitles.includes(series.calledAeTitle))
    return of("called-ae-title", `sent to ${series.calledAeTitle}, expected ${calledAeTitles.join(" or ")}`);
  if (match.seriesDescription && !new RegExp(match.seriesDescription, "i").test(series.seriesDescription))
    return of("series-description", `series description does not match ${match.seriesDescription}`);
  const images = series.instances.filter((instance) => !isLocalizer(instance));
  if (images.length === 0) return of("localizer", "all images are localizers");
  if (match.modality === "CT" && images.some(({ sopClassUid }) => !ctStorageClasses.includes(sopClassUid)))
    return of("not-ct-images", "some objects are no CT images (screenshot, dose report or the like)");
  const slices = images.reduce((sum, { numberOfFrames }) => sum + numberOfFrames, 0);
  if (slices < match.minimumSlices)
    return of("too-few-slices", `${slices} ${slices === 1 ? "slice" : "slices"}, expected at least ${match.minimumSlices}`);
  if (match.axial && images.some((image) => image.imageOrientationPatient && !isAxial(image.imageOrientationPatient)))
    return of("not-axial", "the images are not axial");
  return null;
}

function isLocalizer({ imageType }: InstanceFacts): boolean {
  return imageType.includes("LOCALIZER");
}

/** The normal (row x column) is nearer to the patient's length than to any other axis. */
function isAxial([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: readonly number[]): boolean {
  const [x, y, z] = [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs) as [number, number, number];
  return z > Math.hypot(x, y);
}
