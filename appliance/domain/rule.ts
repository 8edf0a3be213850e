import type { InstanceFacts, Reason } from "./series.ts";

export const resultOutputs = ["seg", "rtstruct"] as const;
export type ResultOutput = (typeof resultOutputs)[number];

/** Which series, which model, which outputs, which destinations. */
export type Rule = {
  readonly name: string;
  readonly match: {
    readonly modality: string;
    /** The stack must run along the patient's length, within 45 degrees: gantry tilt passes, sagittal and coronal stacks do not. */
    readonly axial: boolean;
    /** Images, or frames of multi-frame images. */
    readonly minimumSlices: number;
    readonly callingAeTitles: readonly string[];
    /** Regular expression over the Series Description, any case; empty takes all. */
    readonly seriesDescription: string;
  };
  readonly model: string;
  readonly outputs: readonly ResultOutput[];
  /** Names of remote nodes. */
  readonly destinations: readonly string[];
};

/** What a rule looks at. */
export type RuleCandidate = {
  readonly callingAeTitle: string;
  readonly seriesDescription: string;
  readonly instances: readonly InstanceFacts[];
};

/** Storage SOP classes whose images can be CT slices: CT, Enhanced CT, Legacy Converted Enhanced CT. PS3.4 B.5. */
const ctStorageClasses: readonly string[] = ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"];

/** Null when the rule takes the series, else the first reason why not. */
export function whyNot(rule: Rule, series: RuleCandidate): Reason | null {
  const { match } = rule;
  const of = (code: string, message: string): Reason => ({ code, message });
  const modality = series.instances.find((instance) => instance.modality !== match.modality)?.modality;
  if (modality !== undefined) return of("modality", `modality is ${modality || "not given"}, expected ${match.modality}`);
  if (match.callingAeTitles.length > 0 && !match.callingAeTitles.includes(series.callingAeTitle))
    return of("calling-ae-title", `sent by ${series.callingAeTitle}, expected ${match.callingAeTitles.join(" or ")}`);
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
