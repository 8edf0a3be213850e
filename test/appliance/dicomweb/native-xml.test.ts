import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { type JsonDataSet, toDicomJson } from "../../../appliance/dicomweb/dicom-json.ts";
import { toNativeXml } from "../../../appliance/dicomweb/native-xml.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";
import { python } from "../../peers/python.ts";

type Attribute = {
  readonly vr: string;
  readonly keyword: string | null;
  readonly values: readonly unknown[];
  readonly numbers: readonly (string | null)[];
};
type Document = Readonly<Record<string, Attribute>>;

const read = async (paths: readonly string[]): Promise<Document[]> =>
  (await python(join(import.meta.dirname, "native_xml.py"), paths)) as Document[];

const corpus = join(import.meta.dirname, "../../data/ct-corpus");

/** What dcm2xml says otherwise, though it means the same. */
function plain(document: Document): Readonly<Record<string, Omit<Attribute, "keyword">>> {
  return Object.fromEntries(
    Object.entries(document)
      // Of pixels we say where they are, and read no padding behind them; dcm2xml names UTF-8 also where nothing but ASCII was to be converted
      .filter(([tag]) => !/^(7FE00010|FFFCFFFC|00080005)/.test(tag))
      .map(([tag, { vr, values, numbers }]) => {
        const plainValue = (value: unknown): unknown => {
          if (vr === "SQ") return plain(value as Document);
          return ["DS", "IS", "FL", "FD"].includes(vr) && value !== "" ? Number(Number(value).toPrecision(6)) : value;
        };
        const isBinary = /^(O[BDFLVW]|UN)$/.test(vr);
        return [tag, isBinary ? { vr, values: [], numbers: [] } : { vr, values: values.map(plainValue), numbers }];
      }),
  );
}

/** Keywords by tag, those inside sequences too. */
function keywordsOf(document: Document): [tag: string, keyword: string | null][] {
  return Object.entries(document).flatMap(([tag, { vr, keyword, values }]) => [
    [tag, keyword],
    ...(vr === "SQ" ? values.flatMap((item) => keywordsOf(item as Document)) : []),
  ]);
}

test("attributes in XML are those that dcm2xml writes", async () => {
  await using folder = await temporaryFolder("native-xml");
  const compared: string[] = [];
  const names = (await readdir(corpus, { recursive: true })).filter((each) => each.endsWith(".dcm")).sort();
  const series = new Map(names.toReversed().map((name) => [dirname(name), name])); // the first of each
  for (const name of series.values()) {
    const source = join(corpus, name);
    const theirs = await run("dcm2xml", ["--native-format", "--convert-to-utf8", source]);
    if (theirs.code !== 0) continue; // what dcmtk does not read
    const { dataSet } = openPart10(await readFile(source));
    const [ours, other] = [join(folder.path, "ours.xml"), join(folder.path, "theirs.xml")];
    await writeFile(ours, toNativeXml(toDicomJson(dataSet, { bulkDataUri: (path) => `http://box.example/${path}?a&b` })));
    await writeFile(other, theirs.stdout);
    const [found, expected] = (await read([ours, other])) as [Document, Document];
    const [plainFound, plainExpected] = [plain(found), plain(expected)];
    // A standard element that came as UN we read by its VR, PS3.5 6.2.2; of implicit private ones dcm2xml knows some
    for (const tag of new Set([...Object.keys(plainFound), ...Object.keys(plainExpected)]))
      if (plainExpected[tag]?.vr !== "UN" && plainFound[tag]?.vr !== "UN")
        assert.deepEqual([tag, plainFound[tag]], [tag, plainExpected[tag]], name);
    const keywords = new Map(keywordsOf(found));
    for (const [tag, keyword] of keywordsOf(expected)) if (keyword !== null) assert.equal(keywords.get(tag) ?? keyword, keyword, tag); // none of what is retired
    compared.push(name);
  }
  assert.ok(compared.length >= 5, compared.join());
});

test("what XML has no place for does not break it, and nothing is taken for markup", async () => {
  await using folder = await temporaryFolder("native-xml");
  const path = join(folder.path, "odd.xml");
  const text = `a<b>&amp;"'\r\n\t\u0001\ud800\uffff]]>\u{1f600}`;
  const odd: JsonDataSet = {
    "00100010": { vr: "PN", Value: [{ Alphabetic: "Müller^Jörg^^Dr.", Ideographic: "山田^太郎" }, null] },
    "00081030": { vr: "LO", Value: [text, null, " x "] },
    "00290010": { vr: "LO", Value: ['"A&B"'] },
    "00291001": { vr: "UN", InlineBinary: "AAE=" },
    "00291102": { vr: "UN", InlineBinary: "AAE=" },
    "00282000": { vr: "OB" },
  };
  await writeFile(path, toNativeXml(odd));
  const [found] = await read([path]);
  const names = { Alphabetic: { FamilyName: "Müller", GivenName: "Jörg", NamePrefix: "Dr." } };
  assert.deepEqual(found?.["00100010 "]?.values, [{ ...names, Ideographic: { FamilyName: "山田", GivenName: "太郎" } }, {}]);
  assert.deepEqual(found?.["00081030 "]?.values, [`a<b>&amp;"'\r\n\t\ufffd\ufffd\ufffd]]>\u{1f600}`, "", " x "]);
  assert.deepEqual(found?.['00290001 "A&B"']?.values, ["binary"]);
  assert.deepEqual([found?.["00291102 "]?.keyword, found?.["00282000 "]?.values], [null, []], "a block that nobody has reserved");
});
