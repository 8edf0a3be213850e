import assert from "node:assert/strict";
import { test } from "node:test";
import { isSameImage } from "../../../appliance/dicom/same-image.ts";
import { seriesToVolume } from "../../../appliance/dicom/series-to-volume.ts";
import { type CtSeriesOptions, makeCtSeries, seriesFiles } from "../../make/ct-series.ts";
import { syntaxes } from "../../make/part10.ts";

const first = (options: CtSeriesOptions = {}): Uint8Array => makeCtSeries(options)[0]!.bytes;
const coerced: CtSeriesOptions = { edit: (dataSet) => dataSet.set(0x00080080, ["LO", "Another institution"]) };

const pairs: readonly { what: string; other: CtSeriesOptions; decode: boolean; same: boolean }[] = [
  { what: "the rest of the header was coerced", other: coerced, decode: false, same: true },
  { what: "one voxel differs", other: { hu: (i, j) => (i === 3 && j === 2 ? 1 : 0) }, decode: true, same: false },
  { what: "the place differs", other: { origin: [-10, -20, -29] }, decode: true, same: false },
  { what: "the rescale differs", other: { intercept: () => -1000 }, decode: true, same: false },
  { what: "the patient differs", other: { edit: (dataSet) => dataSet.set(0x00100020, ["LO", "OTHER"]) }, decode: true, same: false },
  { what: "one of them is no CT image", other: { modality: "MR" }, decode: true, same: false },
];

for (const { what, other, decode, same } of pairs)
  test(`two files under one UID are ${same ? "" : "not "}the same image when ${what}`, async () => {
    assert.equal(await isSameImage(first(), first(other), { decode }), same);
  });

test("another transfer syntax is another coding of the same image", async () => {
  const implicit = first({ transferSyntaxUid: syntaxes.implicitLittle });
  assert.equal(await isSameImage(first(), implicit, { decode: true }), true);
});

test("a series that came twice, the second time coerced, is one volume, with a note", async () => {
  const hu = (i: number, j: number, k: number) => i + 10 * j + 100 * k;
  const twice = [...makeCtSeries({ hu }), ...makeCtSeries({ hu, ...coerced })];
  const { volume, notes } = await seriesToVolume(seriesFiles(twice));
  assert.deepEqual(volume, (await seriesToVolume(seriesFiles(makeCtSeries({ hu })))).volume);
  assert.equal(notes.filter((note) => note.includes("was there twice")).length, 5);
});

test("a series that came twice with other pixels is refused", async () => {
  const mixed = [...makeCtSeries(), ...makeCtSeries({ hu: () => 40 })];
  await assert.rejects(seriesToVolume(seriesFiles(mixed)), { code: "instance-ambiguous" });
});
