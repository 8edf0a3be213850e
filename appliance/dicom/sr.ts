import type { CodedConcept } from "../domain/code.ts";
import type { Uid } from "../domain/ids.ts";
import type { ModelManifest } from "../domain/model.ts";
import {
  codeSequence,
  creation,
  frameOfReferenceUid,
  patientAndStudyElements,
  type ResultHead,
  seriesAndEquipmentElements,
  sourceInstances,
  sourceSeriesUid,
  studyInstanceUid,
} from "./header.ts";
import { type MeasuredStructure, measurementGroup, type SegmentationReference, structuresFound } from "./measurement-group.ts";
import { sopClass } from "./sop-classes.ts";
import type { SourceSeries } from "./source.ts";
import {
  codeContent,
  codingSchemes,
  containerContent,
  dcm,
  deviceObserver,
  hierarchicalReference,
  type InstanceReference,
  imageContent,
  languageOfContent,
  recordContent,
  related,
  sct,
  segbox,
  textContent,
  uidContent,
} from "./sr-content.ts";
import { algorithmFamily, algorithmParameters } from "./structures.ts";
import { derivedUid, implementationClassUid } from "./uids.ts";
import { type Item, plainText, sequence, text, writePart10 } from "./write.ts";

/** What a person said of the result. */
export type ReportedReview = {
  readonly state: "accepted" | "rejected";
  readonly reviewer: string;
  /** For whom the reviewer stands in for it; empty where the site has not said. */
  readonly organization: string;
  /** UTC ms. */
  readonly reviewedAt: number;
  readonly comment: string;
};

export type ReportRequest = ResultHead & {
  readonly manifest: ModelManifest;
  /** Those found, in any order; one without voxels counts as not found. */
  readonly structures: readonly MeasuredStructure[];
  /** The SEG of the same result; null where none is written. */
  readonly segmentation: SegmentationReference | null;
  /** What looks wrong with the result as a whole, or with what was not found, a sentence each; of a structure found its flags tell. */
  readonly checks: readonly string[];
  /** How the result came about, a line each: engine, precision, software version, digests. */
  readonly provenance: readonly string[];
  /** The same whole, for machines: every input's digest, settings, steps. Kept as JSON. */
  readonly record: object;
  /** The report that this one takes the place of, in the same study. */
  readonly predecessor: { readonly seriesInstanceUid: Uid; readonly sopInstanceUid: Uid } | null;
  /** Null before anybody has looked. */
  readonly review: ReportedReview | null;
};

/**
 * The measurements of a result as a Comprehensive 3D SR (PS3.3 A.35.13) by PS3.16 TID 1500, which is the form that IHE AI Results asks for.
 * A result without any structure says so. Without a SEG the measurements stand in groups by TID 1501, because TID 1411 needs a region to
 * point at. Refused: a structure that the model does not name (`label-unknown`), a source without study or series UID.
 */
export function encodeSr(request: ReportRequest): Iterable<Uint8Array> {
  const { source, uids, review, predecessor } = request;
  const { date, time } = creation(request);
  const study = studyInstanceUid(source);
  const elements: Item = [
    ...patientAndStudyElements(source),
    ...seriesAndEquipmentElements(request, "SR", sopClass.comprehensive3dSrStorage),
    codingSchemes(),
    contributingEquipment(request),
    sequence(0x00081111), // Referenced Performed Procedure Step: no worklist entry was worked on
    // SR Document General, PS3.3 C.17.2
    text(0x00080023, "DA", date),
    text(0x00080033, "TM", time),
    sequence(0x0040a372), // Performed Procedure Code
    text(0x0040a491, "CS", "COMPLETE"),
    text(0x0040a496, "CS", review?.state === "accepted" ? "FINAL" : "PRELIMINARY"),
    ...verification(request),
    hierarchicalReference(0x0040a375, study, evidence(request)),
    ...(predecessor
      ? [hierarchicalReference(0x0040a360, study, [{ ...predecessor, sopClassUid: sopClass.comprehensive3dSrStorage }])]
      : []),
    ...containerContent(dcm("126000", "Imaging Measurement Report"), "1500", contents(request)),
  ];
  return writePart10({
    sopClassUid: sopClass.comprehensive3dSrStorage,
    sopInstanceUid: uids.sopInstanceUid,
    encoding: "explicit",
    elements,
  });
}

function contents(request: ReportRequest): Item[] {
  const groups = structuresFound(request).map((structure) => measurementGroup(structure, request));
  return [
    ...languageOfContent(),
    ...deviceObserver(request),
    ...related(
      "HAS CONCEPT MOD",
      // The source's own procedure code is a sequence, which is not carried over; PS3.16 CID 100.
      codeContent(dcm("121058", "Procedure reported"), { value: "25045-6", scheme: "LN", meaning: "CT unspecified body region" }),
    ),
    ...related("CONTAINS", imageLibrary(request)),
    ...(groups.length > 0
      ? related(
          "CONTAINS",
          containerContent(dcm("126010", "Imaging Measurements"), null, [...algorithm(request), ...related("CONTAINS", ...groups)]),
        )
      : []),
    ...related("CONTAINS", evaluations(request)),
  ];
}

/** TID 1600: each image that was segmented. */
function imageLibrary({ source }: ReportRequest): Item {
  const region = targetRegion(source);
  const descriptors = related(
    "HAS ACQ CONTEXT",
    codeContent(dcm("121139", "Modality"), dcm("CT", "Computed Tomography")),
    ...(region ? [codeContent(dcm("123014", "Target Region"), region)] : []),
    uidContent(dcm("112227", "Frame of Reference UID"), frameOfReferenceUid(source)),
  );
  const images = related("CONTAINS", ...sourceInstances(source).map((instance) => imageContent(null, instance)));
  return containerContent(
    dcm("111028", "Image Library"),
    "1600",
    related("CONTAINS", containerContent(dcm("126200", "Image Library Group"), null, [...descriptors, ...images])),
  );
}

/** Body Part Examined as a code, PS3.16 table L-1 and CID 4031; terms whose code is not the same in all editions are left out. */
function targetRegion({ attributes }: SourceSeries): CodedConcept | null {
  const term = Buffer.from(attributes.get(0x00180015)?.bytes ?? [])
    .toString("latin1")
    .replace(/[\0 ]+$/, "");
  return targetRegions.get(term) ?? null;
}

const targetRegions: ReadonlyMap<string, CodedConcept> = new Map([
  ["HEAD", sct("69536005", "Head")],
  ["NECK", sct("45048000", "Neck")],
  ["CHEST", sct("51185008", "Chest")],
]);

/** TID 4019. */
function algorithm({ manifest, provenance }: ReportRequest): Item[] {
  return related(
    "HAS CONCEPT MOD",
    textContent(dcm("111001", "Algorithm Name"), manifest.algorithm.name),
    textContent(dcm("111003", "Algorithm Version"), manifest.algorithm.version),
    ...[algorithmParameters(manifest), ...provenance].map((line) => textContent(dcm("111002", "Algorithm Parameters"), line)),
    codeContent(dcm("111000", "Algorithm Family"), algorithmFamily),
  );
}

/** What is said of the result as a whole: what was looked for in vain, and who has looked at it. */
function evaluations(request: ReportRequest): Item {
  const { manifest, review, record, checks } = request;
  const found = new Set(structuresFound(request).map(({ value }) => value));
  const missing = manifest.labels.filter(({ value }) => !found.has(value)).map(({ title }) => title);
  const nothing = [
    codeContent(dcm("121071", "Finding"), segbox("nothing-found", "No structure found")),
    textContent(dcm("121071", "Finding"), `None of the ${missing.length} structures that were looked for was found.`),
  ];
  return containerContent({ value: "C0034375", scheme: "UMLS", meaning: "Qualitative Evaluations" }, null, [
    ...(found.size === 0 ? algorithm(request) : []), // else it stands with the measurements
    ...related(
      "CONTAINS",
      ...(found.size === 0 ? nothing : []),
      ...(missing.length > 0 ? [textContent(comment, `Looked for and not found: ${missing.join(", ")}.`)] : []),
      ...checks.map((check) => textContent(segbox("plausibility", "Plausibility"), check)),
      recordContent(segbox("provenance", "Provenance record (JSON)"), record),
      codeContent(segbox("review-state", "Review state"), reviewStates[review?.state ?? "none"]),
      textContent(comment, `Limits of use: ${manifest.notFor}`),
      textContent(comment, reviewSentence(request)),
    ),
  ]);
}

const comment = dcm("121106", "Comment");
const reviewStates = {
  none: segbox("not-reviewed", "AI-generated, not reviewed"),
  accepted: segbox("accepted", "AI-generated, accepted by a reviewer"),
  rejected: segbox("rejected", "AI-generated, rejected by a reviewer"),
};

function reviewSentence(request: ReportRequest): string {
  const { review, manifest } = request;
  const by = `AI-generated by ${manifest.algorithm.name} ${manifest.algorithm.version}`;
  if (!review) return `${by}, not reviewed.`;
  const { date, time } = creation({ ...request, createdAt: review.reviewedAt });
  const at = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)} ${time.slice(0, 2)}:${time.slice(2, 4)}`;
  const said = review.comment === "" ? "." : `: ${review.comment}`;
  return `${by}, ${review.state} by ${review.reviewer} on ${at}${said}`;
}

/**
 * PS3.3 C.17.2: verified is what an accountable person attests, which takes a name and an organization. A rejected result is not, and neither
 * is one accepted by somebody whose organization is not known; the content tree says who accepted it all the same.
 */
function verification(request: ReportRequest): Item {
  const { review } = request;
  const name = plainText(review?.reviewer ?? "", 60)
    .replace(/[\^=]/g, " ")
    .trim();
  const organization = plainText(review?.organization ?? "", 64);
  if (review?.state !== "accepted" || name === "" || organization === "") return [text(0x0040a493, "CS", "UNVERIFIED")];
  const { date, time } = creation({ ...request, createdAt: review.reviewedAt });
  return [
    text(0x0040a493, "CS", "VERIFIED"),
    sequence(0x0040a073, [
      text(0x0040a027, "LO", organization),
      text(0x0040a030, "DT", `${date}${time}`),
      text(0x0040a075, "PN", `${name}^`), // a family name only: where it is cut is not ours to guess
      sequence(0x0040a088), // Verifying Observer Identification Code
    ]),
  ];
}

/**
 * PS3.3 C.12.1.1.5, which IHE AI Results asks for: what made the result. Device UID is another one for every change of model or software, as
 * the profile wants it.
 */
function contributingEquipment({ device, manifest }: ReportRequest): Item[number] {
  const versions = [
    ...device.softwareVersions,
    `${manifest.algorithm.name} ${manifest.algorithm.version}`,
    `model ${manifest.name} ${manifest.version}`,
  ].map((version) => plainText(version, 64));
  const parameters = algorithmParameters(manifest);
  return sequence(0x0018a001, [
    text(0x00080070, "LO", plainText(device.manufacturer, 64)),
    text(0x00081090, "LO", plainText(device.modelName, 64)),
    text(0x00181000, "LO", plainText(device.deviceSerialNumber, 64)),
    text(0x00181002, "UI", derivedUid(implementationClassUid, `algorithm/${versions.join("/")}/${parameters}`)),
    text(0x00181020, "LO", ...versions),
    text(0x0018a003, "ST", plainText(parameters, 1024)),
    codeSequence(0x0040a170, dcm("109102", "Processing Equipment")), // PS3.16 CID 7005
  ]);
}

/** Every instance that the report refers to: the images, and the SEG. */
function evidence({ source, segmentation }: ReportRequest): (InstanceReference & { seriesInstanceUid: Uid })[] {
  const seriesInstanceUid = sourceSeriesUid(source);
  const images = sourceInstances(source).map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid, seriesInstanceUid }));
  return segmentation ? [...images, segmentation] : images;
}
