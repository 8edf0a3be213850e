import assert from "node:assert/strict";
import { test } from "node:test";
import dicomParser from "dicom-parser";
import { encodeRtstruct } from "../../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../../appliance/dicom/seg.ts";
import { axialGrid, plainTexts, request, sourceSeries, type Texts } from "../../make/result-request.ts";

const grid = axialGrid(2, 2, 2);

function results(texts: Texts, timezoneOffsetMinutes?: number): dicomParser.DataSet[] {
  const from = {
    ...request(sourceSeries(grid, { texts }), new Uint8Array(8).fill(1), 1),
    ...(timezoneOffsetMinutes === undefined ? {} : { timezoneOffsetMinutes }),
  };
  return [encodeSeg(from), encodeRtstruct({ ...from, encoding: "explicit" })].map((file) =>
    dicomParser.parseDicom(Buffer.concat([...file])),
  );
}

const bytesOf = (data: dicomParser.DataSet, tag: string) => {
  const element = data.elements[tag];
  return element && Buffer.from(data.byteArray.slice(element.dataOffset, element.dataOffset + element.length)).toString("latin1");
};

test("names go over byte by byte with their character set, whatever it is", () => {
  const cases: [charset: string, name: Buffer][] = [
    ["ISO_IR 100", Buffer.from("M\xfcller^J\xf6rg", "latin1")],
    ["GB18030", Buffer.from("57616e673dcdf55ed0a1b6ab", "hex")],
    ["\\ISO 2022 IR 87", Buffer.from("59616d6164615e5461726f753d1b24423b3345441b28425e1b244242404f3a1b2842", "hex")],
    ["ISO_IR 192", Buffer.from("Łukasz^Żółć=山田^太郎")],
  ];
  for (const [charset, name] of cases)
    for (const result of results({ ...plainTexts, "00080005": charset, "00100010": name })) {
      assert.equal(bytesOf(result, "x00080005")?.trimEnd(), charset);
      assert.equal(bytesOf(result, "x00100010"), `${name.toString("latin1")}${name.length % 2 ? " " : ""}`);
    }
});

test("what the source lacks is empty where DICOM asks for the attribute, and absent elsewhere", () => {
  const texts = { "0020000d": "1.2.3", "0020000e": "1.2.4", "00200052": "1.2.5" };
  for (const result of results(texts)) {
    for (const tag of ["x00080020", "x00080030", "x00080050", "x00080090", "x00100010", "x00100020", "x00100030", "x00100040", "x00200010"])
      assert.equal(result.elements[tag]?.length, 0, tag);
    for (const tag of ["x00080005", "x00080201", "x00081030", "x00101010", "x00120010", "x00120062"])
      assert.equal(result.elements[tag], undefined, tag);
  }
});

test("series and equipment are the box's own, study and patient the source's", () => {
  const scanner = {
    ...plainTexts,
    "00080070": "SIEMENS",
    "00081090": "Sensation",
    "00181000": "123",
    "0008103e": "Thorax",
    "00200011": "4",
  };
  for (const result of results(scanner)) {
    const shown = ["x00080070", "x00081090", "x00181000", "x00181020", "x0008103e", "x00200011", "x0020000e"].map((tag) =>
      result.string(tag),
    );
    assert.deepEqual(shown, ["Segbox", "Segbox", "SB-0001", "0.1.0", "Segbox: Test structures", "9001", "2.25.111"]);
    assert.deepEqual(
      ["x0020000d", "x00100020"].map((tag) => result.string(tag)),
      ["1.2.826.0.1.3680043.8.498.1", "PAT-1"],
    );
  }
});

test("our times are in the source's time zone where it says one, which then speaks for all", () => {
  for (const result of results({ ...plainTexts, "00080201": "-1500" }, 60)) assert.equal(result.string("x00080031"), "153015.250"); // no time zone is that far
  for (const result of results({ ...plainTexts, "00080201": "+1000" }, 60)) {
    assert.deepEqual(
      ["x00080201", "x00080021", "x00080031"].map((tag) => result.string(tag)),
      ["+1000", "20261124", "003015.250"],
    );
  }
});

test("without a time zone in the source our times are the site's, and the study's date is given none", () => {
  for (const result of results(plainTexts, 60)) {
    assert.deepEqual(
      ["x00080201", "x00080021", "x00080031"].map((tag) => result.string(tag)),
      [undefined, "20261123", "153015.250"],
    );
  }
});

test("all results of a series without frame of reference share one", () => {
  const uids = results({ ...plainTexts, "00200052": "" }).map((result) => result.string("x00200052"));
  assert.match(uids[0]!, /^2\.25\.\d{30,39}$/);
  assert.equal(uids[0], uids[1]);
});

test("a clinical trial's subject is kept, and half of one is not", () => {
  const trial = { ...plainTexts, "00120010": "Sponsor", "00120020": "P-1", "00120040": "Subject 7" };
  for (const result of results(trial))
    assert.deepEqual(
      ["x00120020", "x00120030", "x00120040"].map((tag) => bytesOf(result, tag)),
      ["P-1 ", "", "Subject 7 "],
    );
  for (const result of results({ ...trial, "00120010": "" })) assert.equal(result.elements.x00120040, undefined);
});
