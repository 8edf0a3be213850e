import type { CodedConcept } from "../../appliance/domain/code.ts";
import type { CatalogueLabel } from "./catalogue.ts";
import { colourOf } from "./colours.ts";

/*
 * Codes of structures that upstream's table lacks. Only such as PS3.16 has itself (`test/models/catalogue/known_codes.py` looks them up) or
 * another body publishes with this meaning; a structure without one is not here, and goes out under a private code.
 */

/** Where the codes are from that PS3.16 has not. */
export const publishedElsewhere: Readonly<Record<string, string>> = {
  "79368004": "HL7 CodeX Radiation Therapy, TG-263 names in SNOMED CT",
  "18252004": "HL7 CodeX Radiation Therapy, TG-263 names in SNOMED CT",
  "52927003": "HL7 CodeX Radiation Therapy, TG-263 names in SNOMED CT",
  "52940008": "HL7 CodeX Radiation Therapy, TG-263 names in SNOMED CT",
  "90228003": "HL7 CodeX Radiation Therapy, TG-263 names in SNOMED CT",
  "52731004": "dcmqi, SegmentationCategoryTypeModifier-DICOM-Master, Abdominal Organ Segmentation Types",
};

const sct = (value: string, meaning: string): CodedConcept => ({ value, scheme: "SCT", meaning });
const anatomical = sct("91723000", "Anatomical Structure");
const abnormal = sct("49755003", "Morphologically Abnormal Structure");
const left = sct("7771000", "Left");
const right = sct("24028007", "Right");
const lung = sct("39607008", "Lung");
const mandible = sct("91609006", "Mandible");
const maxilla = sct("70925003", "Maxilla");
const tooth = sct("38199008", "Tooth");

type Coded = {
  readonly type: CodedConcept;
  readonly region?: CodedConcept;
  readonly modifiers?: readonly CodedConcept[];
  readonly isAbnormal?: boolean;
};

/** Structures there is one of. */
const single: Readonly<Record<string, Coded>> = {
  lung_airways: { type: sct("89187006", "Airway"), region: lung },
  lung_arteries: { type: sct("81040000", "Pulmonary artery"), region: lung },
  lung_veins: { type: sct("122972007", "Pulmonary vein"), region: lung },
  lung: { type: lung, modifiers: [sct("51440002", "Bilateral")] },
  lung_nodules: { type: sct("27925004", "Nodule"), region: lung, isAbnormal: true },
  liver_lesions: { type: sct("52988006", "Lesion"), region: sct("10200004", "Liver"), isAbnormal: true },
  nasopharynx: { type: sct("71836000", "Nasopharynx") },
  oropharynx: { type: sct("31389004", "Oropharynx") },
  hypopharynx: { type: sct("81502006", "Hypopharynx") },
  soft_palate: { type: sct("49460000", "Soft palate") },
  hyoid: { type: sct("21387005", "Hyoid bone") },
  tongue: { type: sct("21974007", "Tongue") },
  breast: { type: sct("76752008", "Breast") },
  third_ventricle: { type: sct("49841001", "Third ventricle") },
  fourth_ventricle: { type: sct("35918002", "Fourth ventricle") },
  mandible: { type: mandible },
  lower_jawbone: { type: mandible },
  upper_jawbone: { type: maxilla },
  teeth_lower: { type: tooth, region: mandible },
  teeth_upper: { type: tooth, region: maxilla },
  head: { type: sct("69536005", "Head") },
  sinus_maxillary: { type: sct("15924003", "Maxillary sinus") },
  sinus_frontal: { type: sct("55060009", "Frontal sinus") },
  left_maxillary_sinus: { type: sct("15924003", "Maxillary sinus"), modifiers: [left] },
  right_maxillary_sinus: { type: sct("15924003", "Maxillary sinus"), modifiers: [right] },
  pericardium: { type: sct("76848001", "Pericardium") },
  abdominal_cavity: { type: sct("52731004", "Abdominal cavity") },
  thyroid_cartilage: { type: sct("52940008", "Thyroid cartilage") },
  hard_palate: { type: sct("90228003", "Hard palate") },
  mediastinum: { type: sct("72410000", "Mediastinum") },
};

/** Structures with a left and a right one, named `..._left` and `..._right`. */
const paired: Readonly<Record<string, CodedConcept>> = {
  eye: sct("81745001", "Eye"),
  eyeball: sct("81745001", "Eye"),
  eye_lens: sct("78076003", "Lens of eye"),
  optic_nerve: sct("18234004", "Optic nerve"),
  parotid_gland: sct("45289007", "Parotid gland"),
  submandibular_gland: sct("54019009", "Submandibular gland"),
  nasal_cavity: sct("279549004", "Nasal cavity"),
  internal_carotid_artery: sct("86117002", "Internal carotid artery"),
  internal_jugular_vein: sct("12123001", "Internal jugular vein"),
  sternocleidomastoid: sct("22823000", "Sternocleidomastoid muscle"),
  masseter: sct("79368004", "Masseter muscle"),
  temporalis: sct("52927003", "Temporalis muscle"),
  platysma: sct("18252004", "Platysma muscle"),
  trapezius: sct("31764008", "Trapezius muscle"),
  anterior_scalene: sct("50755001", "Scalenus anterior muscle"),
  ventricle_frontal_horn: sct("30399003", "Anterior horn of lateral ventricle"),
  ventricle_occipital_horn: sct("52943005", "Posterior horn of lateral ventricle"),
  ventricle_temporal_horn: sct("53118009", "Inferior horn of lateral ventricle"),
  pectoralis_major: sct("60005003", "Pectoralis major muscle"),
  serratus_anterior: sct("18346003", "Serratus anterior muscle"),
  latissimus_dorsi: sct("15665001", "Latissimus dorsi muscle"),
  erector_spinae: sct("44947003", "Erector spinae muscle"),
};

/** Permanent teeth: jaw, side, and codes from the central incisor to the third molar. Sides are in the codes. */
const kinds = [
  "central_incisor",
  "lateral_incisor",
  "canine",
  "first_premolar",
  "second_premolar",
  "first_molar",
  "second_molar",
  "third_molar",
];
const teeth = [
  ["upper", "right", 11, "22120004 11712009 80647007 57826002 36492000 5140004 7121006 68085002"],
  ["upper", "left", 21, "31982000 25748002 72876007 61897005 23226009 23427002 66303006 87704003"],
  ["lower", "left", 31, "113278005 77130001 39844006 2400006 24573005 89625000 48402004 74344005"],
  ["lower", "right", 41, "15422005 82628004 47055002 80140008 8873007 28480000 40005008 38994002"],
] as const;

const toothLabels = teeth.flatMap(([jaw, side, first, codes]) =>
  codes.split(" ").map((code, index): [string, Coded] => {
    const kind = kinds[index]!;
    const meaning = `${jaw === "upper" ? "Maxillary" : "Mandibular"} ${side} ${kind.replace("_", " ")} tooth`;
    return [`${jaw}_${side}_${kind}_fdi${first + index}`, { type: sct(code, meaning) }];
  }),
);

const sides = Object.entries(paired).flatMap(([name, type]): [string, Coded][] => [
  [`${name}_left`, { type, modifiers: [left] }],
  [`${name}_right`, { type, modifiers: [right] }],
]);

export const moreLabels: Readonly<Record<string, CatalogueLabel>> = Object.fromEntries(
  [...Object.entries(single), ...sides, ...toothLabels].map(
    ([name, { type, region = null, modifiers = [], isAbnormal = false }], index) => [
      name,
      {
        title: titleOf(name),
        category: isAbnormal ? abnormal : anatomical,
        type,
        modifiers,
        anatomicRegion: region,
        color: colourOf(index),
        rtRoiInterpretedType: isAbnormal ? "" : "ORGAN",
      },
    ],
  ),
);

function titleOf(name: string): string {
  const words = name.replace(/_fdi(\d\d)$/, " (FDI $1)").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
