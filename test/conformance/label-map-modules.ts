/** A data set as DICOM JSON, PS3.18 F. */
export type DicomJson = { readonly [tag: string]: { readonly vr: string; readonly Value?: readonly unknown[] } };

/** What an attribute's condition may look at: the item it stands in, and the whole data set. */
type Place = { readonly item: DicomJson; readonly root: DicomJson };

/** A row of the standard's tables. */
export type Row = {
  /** Where the standard says so, PS3.3 2024e. */
  readonly section: string;
  /** Tags from the root down; an attribute of a sequence is judged in each of its items. */
  readonly path: readonly string[];
  /** 1: present with a value. 2: present. 3: as it likes. 0: absent. A condition chooses between them. */
  readonly type: Type | ((place: Place) => Type);
  /** What its values must be, where it has any. */
  readonly values?: (values: readonly unknown[], place: Place) => boolean;
};
type Type = 0 | 1 | 2 | 3;

const valuesOf = (item: DicomJson, tag: string) => item[tag]?.Value ?? [];
const first = (item: DicomJson, tag: string) => valuesOf(item, tag)[0];
const has = (item: DicomJson, tag: string) => tag in item;
const oneOf =
  (...allowed: readonly unknown[]) =>
  (values: readonly unknown[]) =>
    values.length === 1 && allowed.includes(values[0]);
const count = (expected: number) => (values: readonly unknown[]) => values.length === expected;
const row = (section: string, path: string, type: Row["type"], values?: Row["values"]): Row => ({
  section,
  path: path.split(">"),
  type,
  ...(values ? { values } : {}),
});
const isPalette = ({ root }: Place) => first(root, "00280004") === "PALETTE COLOR";
const bitsAllocated = ({ root }: Place) => Number(first(root, "00280100"));
const frameCount = ({ root }: Place) => Number(first(root, "00280008"));

/** Table 8.8-1, Code Sequence Macro, with a single item. */
const code = (section: string, path: string): Row[] => [
  row(section, path, 1, count(1)),
  row("8.8", `${path}>00080100`, ({ item }) => (has(item, "00080119") || has(item, "00080120") ? 0 : 1)),
  row("8.8", `${path}>00080102`, 1),
  row("8.8", `${path}>00080104`, 1),
];
/** Table 10-11, SOP Instance Reference Macro. */
const reference = (path: string): Row[] => [row("10.8", `${path}>00081150`, 1), row("10.8", `${path}>00081155`, 1)];

/** The modules of table A.51-1 and the functional groups of table A.51-2, as they are for a label map of a patient's CT. */
export const labelMapModules: readonly Row[] = [
  // Patient, C.7.1.1
  ...["00100010", "00100020", "00100030", "00100040"].map((tag) => row("C.7.1.1", tag, 2)),
  // General Study, C.7.2.1
  row("C.7.2.1", "0020000D", 1),
  ...["00080020", "00080030", "00080050", "00080090", "00200010"].map((tag) => row("C.7.2.1", tag, 2)),
  // General Series and Segmentation Series
  row("C.7.3.1", "0020000E", 1),
  row("C.8.20.1", "00080060", 1, oneOf("SEG")),
  row("C.8.20.1", "00200011", 1),
  // Frame of Reference
  row("C.7.4.1", "00200052", 1),
  row("C.7.4.1", "00201040", 2),
  // General and Enhanced General Equipment; Pixel Padding Value has the form of the pixels
  row("C.7.5.1", "00280120", 3, (values) => values.length === 1 && Number(values[0]) >= 0),
  ...["00080070", "00081090", "00181000", "00181020"].map((tag) => row("C.7.5.2", tag, 1)),
  // General Image: Patient Orientation is needed only where no plane orientation is
  row("C.7.6.1", "00200020", 3),
  // Image Pixel
  ...["00280010", "00280011"].map((tag) => row("C.7.6.3", tag, 1)),
  row("C.7.6.3", "00280006", 0), // Planar Configuration: of more than one sample only
  // Segmentation Image
  row("C.8.20.2", "00080008", 1, (values) => values.join() === "DERIVED,PRIMARY"),
  row("10.9", "00200013", 1),
  row("10.9", "00700080", 1, (values) => /^[A-Z0-9_ ]{1,16}$/.test(String(values[0]))),
  row("10.9", "00700081", 2),
  row("10.9", "00700084", 2),
  row("C.8.20.2", "00280002", 1, oneOf(1)),
  row("C.8.20.2", "00280004", 1, oneOf("MONOCHROME2", "PALETTE COLOR")),
  row("C.8.20.2", "00280103", 1, oneOf(0)),
  row("C.8.20.2", "00280100", 1, oneOf(8, 16)),
  row("C.8.20.2", "00280101", 1, (values, place) => values[0] === bitsAllocated(place)),
  row("C.8.20.2", "00280102", 1, (values, place) => values[0] === bitsAllocated(place) - 1),
  row("C.8.20.2", "00282110", 1, oneOf("00", "01")),
  row("C.8.20.2", "00282112", ({ root }) => (first(root, "00282110") === "01" ? 1 : 3)),
  row("C.8.20.2", "00282114", ({ root }) => (first(root, "00282110") === "01" ? 1 : 3)),
  row("C.8.20.2", "00620001", 1, oneOf("LABELMAP")),
  row("C.8.20.2", "00620010", 0), // Segmentation Fractional Type
  row("C.8.20.2", "0062000E", 0), // Maximum Fractional Value
  row("C.8.20.2", "00620013", 3, oneOf("NO")),
  row("C.8.20.2", "00620002", 1, (items) => {
    const numbers = items.map((item) => first(item as DicomJson, "00620004"));
    return new Set(numbers).size === items.length; // C.8.20.2.4: unique; for a label map they need not start at 1 or be without a gap
  }),
  row("C.8.20.2", "00620002>00620009", ({ item }) => (first(item, "00620008") === "MANUAL" ? 3 : 1)),
  row("C.8.20.2", "00620002>0062000D", 3, count(3)),
  ...code("10.16", "00620002>00620007>0066002F"),
  row("10.16", "00620002>00620007>00660036", 1),
  row("10.16", "00620002>00620007>00660031", 1),
  // Segment Description Macro
  row("C.8.20.4", "00620002>00620004", 1, ([value]) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 16),
  row("C.8.20.4", "00620002>00620005", 1, ([value]) => String(value).length <= 64),
  row("C.8.20.4", "00620002>00620008", 1, oneOf("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")),
  ...code("C.8.20.4", "00620002>00620003"),
  ...code("C.8.20.4", "00620002>0062000F"),
  row("C.8.20.4", "00620002>00620020", ({ item }) => (has(item, "00620021") ? 1 : 0)),
  row("C.8.20.4", "00620002>00620021", ({ item }) => (has(item, "00620020") ? 1 : 0)),
  // Palette Color Lookup Table and ICC Profile
  ...["00281101", "00281102", "00281103", "00282000"].map((tag) => row("C.7.9", tag, (place) => (isPalette(place) ? 1 : 0))),
  // Multi-frame Functional Groups
  ...["00080023", "00080033", "00280008"].map((tag) => row("C.7.6.16", tag, 1)),
  row("C.7.6.16", "52009229", 1, count(1)),
  row("C.7.6.16", "52009230", 1, (items, place) => items.length === frameCount(place)),
  row("C.7.6.16.2.1", "52009229>00289110", 1, count(1)),
  row("C.7.6.16.2.1", "52009229>00289110>00280030", 1, (values) => values.length === 2 && values.every((value) => Number(value) > 0)),
  row("C.7.6.16.2.1", "52009229>00289110>00180050", 1, ([value]) => Number(value) > 0),
  row("C.7.6.16.2.4", "52009229>00209116", 1, count(1)),
  row("C.7.6.16.2.4", "52009229>00209116>00200037", 1, count(6)),
  row("C.7.6.16.2.3", "52009230>00209113", 1, count(1)),
  row("C.7.6.16.2.3", "52009230>00209113>00200032", 1, count(3)),
  row("C.7.6.16.2.6", "52009230>00089124", 2),
  ...code("A.51.5.1", "52009230>00089124>00089215"),
  row("A.51.5.1", "52009230>00089124>00089215>00080100", 1, oneOf("113076")),
  row("C.7.6.16.2.6", "52009230>00089124>00082112", 2),
  ...reference("52009230>00089124>00082112"),
  ...code("A.51.5.1", "52009230>00089124>00082112>0040A170"),
  row("A.51.5.1", "52009230>00089124>00082112>0040A170>00080100", 1, oneOf("121322")),
  row("C.7.6.16.2.2", "52009230>00209111", 1, count(1)),
  row("C.7.6.16.2.2", "52009230>00209111>00209157", 1, (values, { root }) => values.length === valuesOf(root, "00209222").length),
  row("C.8.20.3.1", "52009229>0062000A", 0), // Segment Identification: a frame of a label map is of no single segment
  row("C.8.20.3.1", "52009230>0062000A", 0),
  // Multi-frame Dimension
  row("C.7.6.17", "00209221", 1),
  row("C.7.6.17", "00209221>00209164", 1),
  row("C.7.6.17", "00209222", 1),
  ...["00209164", "00209165", "00209167"].map((tag) => row("C.7.6.17", `00209222>${tag}`, 1)),
  row("C.7.6.17", "00209311", 3, oneOf("3D")), // of the others, one is of time and two are of tiles
  // Common Instance Reference: there are derivation images
  row("C.12.2", "00081115", 1),
  row("C.12.2", "00081115>0020000E", 1),
  row("C.12.2", "00081115>0008114A", 1),
  ...reference("00081115>0008114A"),
  // SOP Common
  row("C.12.1", "00080016", 1, oneOf("1.2.840.10008.5.1.4.1.1.66.7")),
  row("C.12.1", "00080018", 1),
];

/** What of a data set is not as the rows say; empty when all is. */
export function faultsOf(root: DicomJson, rows: readonly Row[]): string[] {
  return rows.flatMap(({ section, path, type, values }) => {
    const tag = path.at(-1)!;
    let items: readonly DicomJson[] = [root];
    for (const step of path.slice(0, -1)) items = items.flatMap((item) => valuesOf(item, step) as DicomJson[]);
    return items.flatMap((item, index) => {
      const place = { item, root };
      const asked = typeof type === "function" ? type(place) : type;
      const found = valuesOf(item, tag);
      const isRight =
        asked === 0 ? !has(item, tag) : asked === 1 ? found.length > 0 && !found.includes(null) : asked === 2 ? has(item, tag) : true;
      const where = `${path.join(">")} in item ${index} (${section})`;
      if (!isRight) return [`${where}: ${asked === 0 ? "must not be there" : "is missing"}`];
      return found.length > 0 && values && !values(found, place) ? [`${where}: ${JSON.stringify(found).slice(0, 80)}`] : [];
    });
  });
}
