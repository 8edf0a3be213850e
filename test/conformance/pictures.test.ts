import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeEncapsulatedPdf } from "../../appliance/dicom/encapsulated-pdf.ts";
import { encodeSecondaryCapture } from "../../appliance/dicom/secondary-capture.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import { writeReportPdf } from "../../appliance/report/pdf.ts";
import { drawSheet } from "../../appliance/report/sheet.ts";
import { reportRequest } from "../make/report-request.ts";
import { axialGrid, plainTexts, request as resultRequest, seededRandom, sourceSeries } from "../make/result-request.ts";
import { startDcmqrscp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";
import { type Case, resultCases } from "./result-cases.ts";

const report = reportRequest();
const sheet = drawSheet({ ...report, model: "balls 1.2.3" });
const pdf = await writeReportPdf(report);

const secondaryCapture = (request: Case["request"]) => Buffer.concat([...encodeSecondaryCapture({ ...request, picture: sheet })]);
const encapsulatedPdf = (request: Case["request"], identifiesPatient = false) =>
  Buffer.concat([...encodeEncapsulatedPdf({ ...request, pdf, documentTitle: report.title, identifiesPatient })]);

/** The series whose headers differ; what lies in their label maps does not matter here. */
const cases = (): Case[] => {
  const kinds = ["axial", "oblique, pixels not square", "tilted gantry", "multi-frame", "the example series"];
  const some = resultCases().filter(({ name }) => kinds.includes(name));
  assert.equal(some.length, kinds.length);
  const extra: [name: string, texts: Record<string, string | Uint8Array>][] = [
    ["accents", { "00080005": "ISO_IR 192", "00100010": Buffer.from("Żółć-Müller^Łukasz") }],
    ["derived from lossy images", { "00282110": "01", "00282112": "12.5", "00282114": "ISO_10918_1" }],
    ["a paired body part", { "00180015": "KNEE", "00200060": "L" }],
    ["without frame of reference", { "00200052": "" }],
  ];
  const grid = axialGrid(2, 2, 2);
  const made = extra.map(([name, texts]) => {
    const source = sourceSeries(grid, { texts: { ...plainTexts, ...texts } });
    return { name, request: resultRequest(source, new Uint8Array(8).fill(1), 1) };
  });
  return [...some, ...made];
};

test("dciodvfy finds no error in a Secondary Capture or an Encapsulated PDF of any kind of series", async () => {
  await using folder = await temporaryFolder("dciodvfy");
  const kinds = { SCImage: secondaryCapture, EncapsulatedPDF: encapsulatedPdf };
  for (const [index, { name, request }] of cases().entries())
    for (const [kind, encode] of Object.entries(kinds)) {
      const file = join(folder.path, `${index}-${kind}.dcm`);
      writeFileSync(file, encode(request));
      const { code, stderr } = await run("dciodvfy", ["-new", file]);
      assert.deepEqual(
        stderr.split("\n").filter((line) => /^Error/.test(line)),
        [],
        `${kind}, ${name}`,
      );
      assert.equal(code, 0);
      assert.match(stderr, new RegExp(`^${kind}$`, "m"));
    }
});

type Read = {
  readonly pixels: string;
  readonly shape: readonly number[];
  readonly name: string;
  readonly sources: readonly string[];
  readonly texts: Readonly<Record<string, string>>;
};

test("pydicom reads the picture's pixels as they were, and every image it was made of", async () => {
  await using folder = await temporaryFolder("pictures");
  const all = cases();
  const files = all.map(({ request }, index) => {
    const file = join(folder.path, `${index}.dcm`);
    writeFileSync(file, secondaryCapture(request));
    return file;
  });
  const found = (await python(join(import.meta.dirname, "read_pictures.py"), files)) as Read[];
  for (const [at, { name, request }] of all.entries()) {
    const { pixels, shape, sources, texts } = found[at]!;
    assert.deepEqual(shape, [sheet.height, sheet.width, 3], name);
    assert.ok(Buffer.from(pixels, "base64").equals(sheet.rgb), name);
    assert.deepEqual(sources, [...new Set(request.source.slices.map(({ sopInstanceUid }) => sopInstanceUid))], name);
    assert.equal(texts.BurnedInAnnotation, "NO", name);
    assert.match(texts.ImageComments!, /AI-generated, not for diagnosis/, name);
    assert.equal(texts.LossyImageCompression, name === "derived from lossy images" ? "01" : "00", name);
  }
  assert.equal(found[all.findIndex(({ name }) => name === "accents")]!.name, "Żółć-Müller^Łukasz");
});

test("a picture of an odd number of bytes keeps them all", async () => {
  await using folder = await temporaryFolder("odd");
  const random = seededRandom(5);
  const picture = { width: 5, height: 3, rgb: Uint8Array.from({ length: 45 }, () => Math.floor(256 * random())) };
  const file = join(folder.path, "odd.dcm");
  writeFileSync(file, Buffer.concat([...encodeSecondaryCapture({ ...cases()[0]!.request, picture })]));
  const [found] = (await python(join(import.meta.dirname, "read_pictures.py"), [file])) as Read[];
  assert.ok(Buffer.from(found!.pixels, "base64").equals(picture.rgb));
});

test("dcmtk takes the same PDF out again, and the header says whether it names the patient", async () => {
  await using folder = await temporaryFolder("pdf");
  const { request } = cases()[0]!;
  for (const identifiesPatient of [true, false]) {
    const [file, out] = [join(folder.path, "pdf.dcm"), join(folder.path, "out.pdf")];
    writeFileSync(file, encapsulatedPdf(request, identifiesPatient));
    assert.equal((await run("dcm2pdf", [file, out])).code, 0);
    // dcmtk writes the byte that pads an odd length too, as the value has it.
    assert.ok(readFileSync(out).subarray(0, pdf.length).equals(pdf));
    const { stdout } = await run("dcmdump", [file]);
    assert.match(stdout, new RegExp(`\\(0028,0301\\) CS \\[${identifiesPatient ? "YES" : "NO"}\\s*\\]`));
    assert.match(stdout, /AI-generated, not for diagnosis/);
  }
});

test("two archives that know nothing of us store both", async () => {
  await using folder = await temporaryFolder("archives");
  await using orthanc = await startOrthanc();
  await using archive = await startDcmqrscp();
  const { request } = cases()[0]!;
  const paths = [secondaryCapture(request), encapsulatedPdf({ ...request, uids: { ...request.uids, sopInstanceUid: "2.25.223" } })].map(
    (bytes, at) => {
      const path = join(folder.path, `${at}.dcm`);
      writeFileSync(path, bytes);
      return path;
    },
  );
  for (const [port, calledAeTitle] of [
    [orthanc.dicomPort, orthanc.aeTitle],
    [archive.port, archive.aeTitle],
  ] as const)
    assert.deepEqual((await storescu({ port, calledAeTitle, paths })).statuses, ["0000", "0000"], calledAeTitle);
  const [kept] = await orthanc.instancesOf(sopClass.secondaryCaptureImageStorage);
  assert.ok(Buffer.from(kept!).subarray(-sheet.rgb.length).equals(sheet.rgb));
  assert.equal((await orthanc.instancesOf(sopClass.encapsulatedPdfStorage)).length, 1);
});

test("the same request gives the same bytes", () => {
  const { request } = cases()[0]!;
  assert.ok(secondaryCapture(request).equals(secondaryCapture(request)));
  assert.ok(encapsulatedPdf(request).equals(encapsulatedPdf(request)));
});
