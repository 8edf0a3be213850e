import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MeasuredStructure } from "../../appliance/dicom/measurement-group.ts";
import { encodeRejectionNote } from "../../appliance/dicom/rejection-note.ts";
import { encodeSr } from "../../appliance/dicom/sr.ts";
import { plainTexts } from "../make/result-request.ts";
import { measured, rejection, report, segmentation } from "../make/sr-request.ts";
import { storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { resultCases } from "./result-cases.ts";

const latin = { ...plainTexts, "00080005": "ISO_IR 100", "00100010": Buffer.from("M\xfcller^J\xf6rg", "latin1") };
const chinese = {
  ...plainTexts,
  "00080005": "GB18030",
  "00100010": Buffer.from("57616e675e5869616f446f6e673dcdf55ed0a1b6ab", "hex"),
};
const review = {
  state: "accepted",
  reviewer: "Ärztin^Anna=\\",
  organization: "Klinik am See",
  reviewedAt: Date.UTC(2026, 10, 24, 8, 5),
  comment: "checked against the planning CT",
} as const;

/** 117 structures in the example series as a scanner sent it. */
function exampleReport() {
  const example = resultCases().find(({ name }) => name === "the example series")!.request;
  const structures = Array.from({ length: 117 }, (_, index): MeasuredStructure => ({ ...measured[0], value: index + 1 }));
  const [label] = example.manifest.labels;
  const labels = structures.map(({ value }) => ({ ...label!, value, name: `structure_${value}` }));
  return report({ source: example.source, manifest: { ...example.manifest, labels }, structures });
}

const reports = {
  plain: report(),
  example: exampleReport(),
  empty: report({ structures: [], segmentation: null }),
  "with a check": report({ checks: ["Left kidney is missing, though its neighbours are there"] }),
  "without SEG": report({ segmentation: null }),
  "multi-frame": report({}, { isMultiFrame: true }),
  superseding: report({ predecessor: { seriesInstanceUid: "2.25.10", sopInstanceUid: "2.25.11" } }),
  accepted: report({ review }),
  rejected: report({ review: { ...review, state: "rejected" } }),
  "ISO_IR 100": report({}, { texts: latin }),
  GB18030: report({}, { texts: chinese }),
};
const notes = {
  "patient safety": rejection(),
  quality: rejection({ reason: "quality", description: "" }),
  "note in GB18030": rejection({}, chinese),
};
const objects: [name: string, pieces: Iterable<Uint8Array>][] = [
  ...Object.entries(reports).map(([name, from]): [string, Iterable<Uint8Array>] => [name, encodeSr(from)]),
  ...Object.entries(notes).map(([name, from]): [string, Iterable<Uint8Array>] => [name, encodeRejectionNote(from)]),
];

function write(folder: string): { name: string; file: string }[] {
  return objects.map(([name, pieces], index) => {
    const file = join(folder, `${index}.dcm`);
    writeFileSync(file, Buffer.concat([...pieces]));
    return { name, file };
  });
}

test("dciodvfy finds no error in a report or a rejection note", async () => {
  await using folder = await temporaryFolder("dciodvfy");
  for (const { name, file } of write(folder.path)) {
    const { code, stderr } = await run("dciodvfy", ["-new", file]);
    assert.deepEqual(
      stderr.split("\n").filter((line) => /^Error/.test(line)),
      [],
      name,
    );
    assert.equal(code, 0);
    assert.match(stderr, name in reports ? /^Comprehensive3DSR$/m : /^KeyObjectSelectionDocument$/m);
  }
});

/** What dcmtk says of every key object document and of every text in GB18030: it does not check them. */
const notOfTheTree = [
  "W: Check for template constraints not yet supported",
  "W: The VR checker does not support this Specific Character Set: GB18030",
];

test("dcmtk takes the content trees as they are", async () => {
  await using folder = await temporaryFolder("dsrdump");
  for (const { name, file } of write(folder.path)) {
    const { code, stdout, stderr } = await run("dsrdump", ["+Pl", file]);
    const complaints = stderr.split("\n").filter((line) => line !== "" && !notOfTheTree.includes(line));
    assert.deepEqual([code, complaints], [0, []], name);
    assert.match(stdout, name in reports ? /"Imaging Measurement Report"/ : /"Rejected for (Patient Safety|Quality) Reasons"/);
  }
});

test("pydicom gives back the measures, the sides and the segments", async () => {
  await using folder = await temporaryFolder("measures");
  const files = write(folder.path).filter(({ name }) => name in reports);
  const script = join(import.meta.dirname, "sr_to_measures.py");
  const { stdout, stderr } = await run("/usr/bin/python3", ["-B", script, ...files.map(({ file }) => file)]);
  assert.equal(stderr, "");
  type Read = {
    patient: string;
    review: string;
    structures: (MeasuredStructure & { segment: unknown; side: string; trackingUid: string })[];
  };
  const read = new Map((JSON.parse(stdout) as Read[]).map((one, index) => [files[index]!.name, one]));
  const toHundredths = (hu: object) => Object.fromEntries(Object.entries(hu).map(([name, value]) => [name, Number(value.toFixed(2))]));
  for (const [name, { structures, segmentation: seg }] of Object.entries(reports)) {
    const sorted = structures.toSorted((a, b) => a.value - b.value);
    assert.equal(read.get(name)!.structures.length, sorted.length, name);
    for (const [index, found] of read.get(name)!.structures.entries()) {
      const { value, volumeMl, voxels, touchesBorder, flags, ...hu } = sorted[index]!;
      const { trackingUid: _, ...rest } = found;
      assert.deepEqual(rest, {
        finding: "64033007",
        side: name === "example" || value === 1 ? "7771000" : "24028007",
        segment: seg ? [segmentation.sopInstanceUid, index + 1] : null,
        volumeMl: Number(volumeMl.toPrecision(7)),
        voxels,
        touchesBorder,
        flags: flags.map(({ code }) => code),
        ...toHundredths(hu),
      });
    }
  }
  assert.deepEqual(
    ["ISO_IR 100", "GB18030"].map((name) => read.get(name)!.patient),
    ["Müller^Jörg", "Wang^XiaoDong=王^小东"],
  );
  assert.deepEqual(
    ["plain", "accepted", "rejected"].map((name) => read.get(name)!.review),
    ["not-reviewed", "accepted", "rejected"],
  );
});

test("a PACS stores a report and a rejection note", async () => {
  await using folder = await temporaryFolder("orthanc");
  await using orthanc = await startOrthanc();
  const files = write(folder.path).filter(({ name }) => ["plain", "patient safety"].includes(name));
  const { statuses } = await storescu({
    port: orthanc.dicomPort,
    calledAeTitle: orthanc.aeTitle,
    paths: files.map(({ file }) => file),
  });
  assert.deepEqual(statuses, ["0000", "0000"]);
  for (const sopClassUid of ["1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.59"])
    assert.equal((await orthanc.instancesOf(sopClassUid)).length, 1);
});
