import { RefusedError } from "../base/errors.ts";
import type { CodedConcept } from "../domain/code.ts";
import type { Uid } from "../domain/ids.ts";
import type { Label, ModelManifest } from "../domain/model.ts";
import { sourceSeriesUid } from "./header.ts";
import type { SourceSeries } from "./source.ts";
import {
  codeContent,
  containerContent,
  dcm,
  type InstanceReference,
  imageContent,
  numberContent,
  related,
  sct,
  segbox,
  textContent,
  uidContent,
} from "./sr-content.ts";
import { trackingIdentifier, trackingUid } from "./structures.ts";
import type { Item } from "./write.ts";

/** A structure with what was measured in it. */
export type MeasuredStructure = {
  /** Its label in the label map. */
  readonly value: number;
  readonly voxels: number;
  readonly volumeMl: number;
  readonly meanHu: number;
  /** Left out of the report where an older release did not measure it. */
  readonly sdHu?: number;
  readonly minHu?: number;
  readonly maxHu?: number;
  readonly medianHu?: number;
  /** Cut off by the border of the field of view: the volume is a lower bound. */
  readonly touchesBorder: boolean;
  /** What looks wrong with it. The code is short and stable. */
  readonly flags: readonly { readonly code: string; readonly meaning: string }[];
};

export type SegmentationReference = InstanceReference & { readonly seriesInstanceUid: Uid };

type Context = {
  readonly source: SourceSeries;
  readonly manifest: ModelManifest;
  readonly structures: readonly MeasuredStructure[];
  readonly segmentation: SegmentationReference | null;
  readonly uids: { readonly sopInstanceUid: Uid };
};

/** A structure that was found, with its label and the number of its segment. */
export type FoundStructure = MeasuredStructure & { readonly label: Label; readonly segment: number };

/** Those with voxels, by rising label, numbered from 1 as the segments of a SEG are. */
export function structuresFound({ structures, manifest }: Pick<Context, "structures" | "manifest">): FoundStructure[] {
  return structures
    .filter(({ voxels }) => voxels > 0)
    .toSorted((a, b) => a.value - b.value)
    .map((structure, index) => {
      const label = manifest.labels.find(({ value }) => value === structure.value);
      if (!label)
        throw new RefusedError(
          "label-unknown",
          `expected labels of model ${manifest.name} ${manifest.version}, found ${structure.value} in ${structure.voxels} voxels`,
        );
      return { ...structure, label, segment: index + 1 };
    });
}

/** PS3.16 TID 1411, or TID 1501 where there is no segment to point at. */
export function measurementGroup(structure: FoundStructure, { source, segmentation, uids }: Context): Item {
  const { label, segment, touchesBorder, flags } = structure;
  // The one by which the SEG knows it, so that both can be told to speak of the same thing.
  const owner = segmentation?.sopInstanceUid ?? uids.sopInstanceUid;
  return containerContent(dcm("125007", "Measurement Group"), segmentation ? "1411" : "1501", [
    ...related(
      "HAS OBS CONTEXT",
      textContent(dcm("112039", "Tracking Identifier"), trackingIdentifier(owner, label)),
      uidContent(dcm("112040", "Tracking Unique Identifier"), trackingUid(owner, label)),
    ),
    ...related("CONTAINS", codeContent(sct("276214006", "Finding category"), label.category), finding(label)),
    ...related(
      "CONTAINS",
      ...(segmentation ? [imageContent(dcm("121191", "Referenced Segment"), segmentation, segment)] : []),
      uidContent(dcm("121232", "Source series for segmentation"), sourceSeriesUid(source)),
    ),
    ...findingSite(label),
    ...related("CONTAINS", ...measurements(structure)),
    ...related(
      "CONTAINS",
      codeContent(segbox("truncated", "Truncated by the field of view"), touchesBorder ? yes : no),
      ...(touchesBorder
        ? [textContent(dcm("121106", "Comment"), "Truncated by the border of the images: the volume is a lower bound.")]
        : []),
      ...flags.map(({ code, meaning }) => codeContent(segbox("plausibility", "Plausibility"), segbox(code, meaning))),
    ),
  ]);
}

/** PS3.16 CID 230. */
const yes = sct("373066001", "Yes");
const no = sct("373067005", "No");

/** PS3.16 CID 244. */
const lateralities: ReadonlySet<string> = new Set(["7771000", "24028007", "51440002", "66459002"]);
/** Anatomical Structure, in PS3.16 CID 7150 and in CID 9501. */
const anatomical: ReadonlySet<string> = new Set(["123037004", "91723000"]);
const findingSiteName = sct("363698007", "Finding Site");

/** Where there is no site to carry them, the modifiers stand with the finding: a side must not be lost. */
function finding(label: Label): Item {
  return codeContent(dcm("121071", "Finding"), label.type, ...(siteOf(label) ? [] : modifiers(label)));
}

/** PS3.16 TID 1419, rows 2 to 4. An organ is its own site; of anything else the manifest may say where it is. */
function findingSite(label: Label): Item[] {
  const site = siteOf(label);
  return site ? related("HAS CONCEPT MOD", codeContent(findingSiteName, site, ...modifiers(label))) : [];
}

function siteOf({ category, type, anatomicRegion }: Label): CodedConcept | null {
  return category.scheme === "SCT" && anatomical.has(category.value) ? type : anatomicRegion;
}

function modifiers(label: Label): Item[] {
  return label.modifiers.flatMap((modifier) => {
    const isLaterality = modifier.scheme === "SCT" && lateralities.has(modifier.value);
    const name = isLaterality ? sct("272741003", "Laterality") : sct("106233006", "Topographical modifier");
    return related("HAS CONCEPT MOD", codeContent(name, modifier));
  });
}

const attenuation = dcm("112031", "Attenuation Coefficient"); // PS3.16 CID 7469
const hounsfieldUnit: CodedConcept = { value: "[hnsf'U]", scheme: "UCUM", meaning: "Hounsfield unit" };

/** PS3.16 TID 1419, rows 5 and 8. Volumes are given to seven digits and HU to a hundredth: no more than that is meant. */
function measurements({ voxels, volumeMl, meanHu, sdHu, minHu, maxHu, medianHu }: MeasuredStructure): Item[] {
  const hu = (value: number | undefined, derivation: CodedConcept): Item[] =>
    value === undefined
      ? []
      : [
          numberContent(
            attenuation,
            Number(value.toFixed(2)),
            hounsfieldUnit,
            ...related("HAS CONCEPT MOD", codeContent(dcm("121401", "Derivation"), derivation)),
          ),
        ];
  return [
    numberContent(sct("118565006", "Volume"), Number(volumeMl.toPrecision(7)), { value: "ml", scheme: "UCUM", meaning: "milliliter" }),
    // PS3.16 CID 7464
    ...hu(meanHu, sct("373098007", "Mean")),
    ...hu(sdHu, sct("386136009", "Standard Deviation")),
    ...hu(minHu, sct("255605001", "Minimum")),
    ...hu(maxHu, sct("56851009", "Maximum")),
    ...hu(medianHu, sct("373099004", "Median")),
    numberContent(segbox("voxel-count", "Number of voxels"), voxels, { value: "1", scheme: "UCUM", meaning: "no units" }),
  ];
}
