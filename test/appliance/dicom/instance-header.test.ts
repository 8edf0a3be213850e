import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encodeText } from "../../../appliance/dicom/encode-text.ts";
import { readInstanceHeader, readSourceAttributes } from "../../../appliance/dicom/instance-header.ts";
import { raw, text, writePart10 } from "../../../appliance/dicom/write.ts";
import { type CtSeriesOptions, makeCtSeries, uidOf } from "../../make/ct-series.ts";
import { makePart10, syntaxes } from "../../make/part10.ts";

const corpus = "test/data/ct-corpus";

function makeOne(options: CtSeriesOptions = {}): Uint8Array {
  return makeCtSeries({ ...options, dims: [8, 6, 1] })[0]!.bytes;
}

test("a header tells instance, series, patient and place, the same in every transfer syntax", () => {
  for (const transferSyntaxUid of [syntaxes.explicitLittle, syntaxes.implicitLittle, syntaxes.explicitBig, syntaxes.deflated]) {
    const header = readInstanceHeader(makeOne({ transferSyntaxUid, characterSet: "ISO_IR 100", patientName: "M\xfcller^J\xf6rg" }));
    assert.deepEqual(header, {
      transferSyntaxUid,
      sopClassUid: "1.2.840.10008.5.1.4.1.1.2",
      sopInstanceUid: uidOf("ct/0"),
      studyInstanceUid: uidOf("ct/study"),
      seriesInstanceUid: uidOf("ct/series"),
      frameOfReferenceUid: uidOf("ct/frame-of-reference"),
      modality: "CT",
      imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
      rows: 6,
      columns: 8,
      numberOfFrames: 1,
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      imagePositionPatient: [-10, -20, -30],
      gantryDetectorTilt: null,
      sliceThickness: 2.5,
      instanceNumber: 1,
      seriesNumber: 2,
      acquisitionNumber: 1,
      numberOfSeriesRelatedInstances: null,
      imagesInAcquisition: null,
      patientName: "Müller^Jörg",
      patientId: "PHANTOM-1",
      patientBirthDate: "19700101",
      patientSex: "O",
      accessionNumber: "A1",
      studyDate: "20260102",
      studyTime: "101500",
      studyDescription: "Study",
      seriesDescription: "Series",
      bodyPartExamined: "",
      protocolName: "",
      convolutionKernel: "",
      contrastBolusAgent: "",
      manufacturer: "Phantom Works",
      manufacturerModelName: "",
      stationName: "",
    });
  }
});

test("the first kilobytes of a file are enough, and fewer are refused", () => {
  const bytes = makeOne({ dims: [8, 6, 1], edit: (dataSet) => dataSet.set(0x60003000, ["OW", new Uint8Array(1 << 20)]) });
  assert.deepEqual(readInstanceHeader(bytes.subarray(0, 4096)), readInstanceHeader(bytes));
  assert.throws(() => readInstanceHeader(bytes.subarray(0, 900)), { code: "dicom-truncated" });
});

test("a multi-frame instance tells its orientation and its first frame's position", () => {
  const header = readInstanceHeader(readFileSync(`${corpus}/tiny-23x38x3-multiframe/mf.dcm`));
  assert.equal(header.numberOfFrames, 3);
  assert.deepEqual(header.imageOrientationPatient, [1, 0, 0, 0, 1, 0]);
  assert.deepEqual(header.imagePositionPatient, [46.4649, 5.01881, -177.75]);
});

test("of a multi-frame instance the header needs no more than its first frame's functional groups", () => {
  const bytes = readFileSync(`${corpus}/tiny-23x38x3-multiframe/mf.dcm`);
  const secondFrame = bytes.indexOf("-175.25");
  assert.deepEqual(readInstanceHeader(bytes.subarray(0, secondFrame)), readInstanceHeader(bytes));
  assert.throws(() => readInstanceHeader(bytes.subarray(0, bytes.indexOf("-177.75"))), { code: "dicom-truncated" });
});

test("an object without pixels has a header", () => {
  const header = readInstanceHeader(readFileSync(`${corpus}/ge-discovery-mi-rtstruct/rt.dcm`));
  assert.equal(header.modality, "RTSTRUCT");
  assert.equal(header.rows, null);
});

test("emptied SOP UIDs are taken from the file meta information", () => {
  const bytes = makeOne({ edit: (dataSet) => dataSet.set(0x00080018, ["UI", ""]) });
  assert.throws(() => readInstanceHeader(bytes), { name: "RefusedError" }, "empty in both");
  const emptied = Buffer.from(makeOne());
  const uid = uidOf("ct/0");
  emptied.fill(0, emptied.lastIndexOf(uid), emptied.lastIndexOf(uid) + uid.length);
  assert.equal(readInstanceHeader(emptied).sopInstanceUid, uid);
});

test("what names no instance, series or modality is refused, with the attribute's name", () => {
  const without = (tag: number): Uint8Array => makeOne({ edit: (dataSet) => dataSet.delete(tag) });
  assert.throws(() => readInstanceHeader(without(0x0020000e)), { code: "attribute-missing", message: /Series Instance UID \(0020,000E\)/ });
  assert.throws(() => readInstanceHeader(without(0x00080060)), { code: "attribute-missing", message: /Modality/ });
  assert.throws(() => readInstanceHeader(makeOne({ edit: (dataSet) => dataSet.set(0x0020000d, ["UI", "../../etc/passwd"]) })), {
    code: "uid-invalid",
  });
});

test("a number that is none reads as null, so that the instance can be stored", () => {
  const header = readInstanceHeader(
    makeOne({ edit: (dataSet) => dataSet.set(0x00200013, ["IS", "many"]).set(0x00200032, ["DS", "1\\2"]) }),
  );
  assert.equal(header.instanceNumber, null);
  assert.equal(header.imagePositionPatient, null);
});

test("source attributes are the bytes as they came, the same whatever the transfer syntax; no sequences, no private ones, no pixels", () => {
  const edit: CtSeriesOptions["edit"] = (dataSet) => {
    dataSet.set(0x00091001, ["LO", "private"]);
    dataSet.set(0x00081140, ["SQ", [new Map([[0x00081155, ["UI", "1.2"] as const]])]]);
  };
  const explicit = readSourceAttributes(makeOne({ edit, patientName: "M\xfcller" }));
  assert.deepEqual(explicit.get(0x00100010), { vr: "PN", bytes: Uint8Array.from(Buffer.from("M\xfcller", "latin1")) });
  assert.deepEqual(explicit.get(0x00280010), { vr: "US", bytes: Uint8Array.of(6, 0) });
  assert.deepEqual([explicit.has(0x00091001), explicit.has(0x00081140), explicit.has(0x7fe00010)], [false, false, false]);
  for (const transferSyntaxUid of [syntaxes.implicitLittle, syntaxes.explicitBig, syntaxes.deflated])
    assert.deepEqual(readSourceAttributes(makeOne({ edit, patientName: "M\xfcller", transferSyntaxUid })), explicit);
});

test("a hostile text is cut before it is kept", () => {
  const bytes = makePart10(
    new Map<number, readonly [string, string]>([
      [0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.2"]],
      [0x00080018, ["UI", "1.2.3"]],
      [0x00080060, ["CS", "CT"]],
      [0x00100010, ["PN", "x".repeat(60_000)]],
      [0x0020000d, ["UI", "1.2.4"]],
      [0x0020000e, ["UI", "1.2.5"]],
    ]),
  );
  assert.equal(readInstanceHeader(bytes).patientName.length, 1024);
});

test("a name reads as it was written, in every character set that a sender may use", () => {
  for (const [name, ...sets] of [
    ["Müller^Jörg", "ISO_IR 100"],
    ["Wałęsa^Lech", "ISO_IR 101"],
    ["Люк^Иван", "ISO_IR 144"],
    ["Yamada^Tarou=山田^太郎=やまだ^たろう", "", "ISO 2022 IR 87"],
    ["ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "ISO 2022 IR 13", "ISO 2022 IR 87"],
    ["Hong^Gildong=洪^吉洞=홍^길동", "", "ISO 2022 IR 149"],
    ["Wang^XiaoDong=王^小东", "GB18030"],
    ["Wang^XiaoDong=王^小東", "ISO_IR 192"],
  ] as const) {
    const elements = [
      text(0x00080005, "CS", ...sets),
      text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
      text(0x00080018, "UI", "1.2.3.4"),
      text(0x00080060, "CS", "CT"),
      raw(0x00100010, "PN", encodeText(name, sets)!),
      text(0x0020000d, "UI", "1.2"),
      text(0x0020000e, "UI", "1.2.3"),
    ];
    const file = writePart10({ sopClassUid: "1.2.840.10008.5.1.4.1.1.2", sopInstanceUid: "1.2.3.4", encoding: "explicit", elements });
    assert.equal(readInstanceHeader(Buffer.concat([...file])).patientName, name);
  }
});

test("a first part that ends between two elements of the header is refused, and one that holds all of it is not", () => {
  const bytes = makeOne();
  const rows = Buffer.from(bytes).indexOf(Buffer.from([0x28, 0x00, 0x10, 0x00])); // Rows (0028,0010), explicit VR little endian
  assert.ok(rows > 0);
  assert.throws(() => readInstanceHeader(bytes.subarray(0, rows), { isFirstPart: true }), { code: "dicom-truncated" });
  assert.equal(readInstanceHeader(bytes.subarray(0, rows)).rows, null, "as a whole file it lacks its rows");
  const pixels = Buffer.from(bytes).indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
  assert.equal(readInstanceHeader(bytes.subarray(0, pixels + 12), { isFirstPart: true }).rows, 6);
});
