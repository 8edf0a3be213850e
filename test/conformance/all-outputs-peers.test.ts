import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jpegLsFrames, rleFrames } from "../../appliance/dicom/frame-compression.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { encodeRejectionNote } from "../../appliance/dicom/rejection-note.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import { type StoreFile, storeFiles } from "../../appliance/dimse/scu.ts";
import { seriesFiles, uidOf } from "../make/ct-series.ts";
import { labelsByHu, resultObjects } from "../make/result-objects.ts";
import { request } from "../make/result-request.ts";
import { rejection } from "../make/sr-request.ts";
import { exampleVariants } from "../make/variants.ts";
import { findscu, startDcmqrscp } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";

type Written = { readonly kind: string; readonly file: StoreFile };

/** Every object of one result, the label map packed as well, and the note that rejects them. */
async function writeAll(folder: string): Promise<Written[]> {
  const [variant] = await exampleVariants();
  const { volume, source } = await seriesToVolume(seriesFiles(variant!.instances));
  const labelMap = labelsByHu(volume);
  const head = request(source, labelMap.labels, 4);
  const uids = (kind: string) => ({ seriesInstanceUid: uidOf(`packed/${kind}/series`), sopInstanceUid: uidOf(`packed/${kind}`) });
  const note = rejection({ source: { attributes: source.attributes } });
  const objects = {
    ...(await resultObjects(source, volume, labelMap, 4)),
    "seg-labelmap-rle": encodeSegLabelmap({ ...head, uids: uids("rle"), compression: rleFrames }),
    "seg-labelmap-jpeg-ls": encodeSegLabelmap({ ...head, uids: uids("jpeg-ls"), compression: await jpegLsFrames() }),
    "rejection-note": encodeRejectionNote(note),
  };
  return Object.entries(objects).map(([kind, pieces]) => {
    const path = join(folder, `${kind}.dcm`);
    writeFileSync(path, Buffer.concat([...pieces]));
    return { kind, file: { path, ...readFileMeta(readFileSync(path)) } };
  });
}

const isLabelMap = ({ file }: Written): boolean => file.sopClassUid === sopClass.labelMapSegmentationStorage;

test("Orthanc takes every object of a result over one association and holds each under its class, in the study of the images", async () => {
  await using folder = await temporaryFolder("objects");
  await using orthanc = await startOrthanc({ settings: { UnknownSopClassAccepted: true } });
  const written = await writeAll(folder.path);
  assert.equal(written.length, 9);
  const node = { name: "pacs", aeTitle: orthanc.aeTitle, host: "127.0.0.1", port: orthanc.dicomPort };
  const outcomes = await storeFiles(
    node,
    "SEGBOX",
    written.map(({ file }) => file),
  );
  for (const [index, { kind }] of written.entries()) assert.deepEqual(outcomes[index], { kind: "stored", status: 0 }, kind);
  const ids = (await orthanc.call("GET", "/instances")) as string[];
  const held = await Promise.all(
    ids.map(async (id) => (await orthanc.call("GET", `/instances/${id}/simplified-tags`)) as Record<string, string>),
  );
  assert.deepEqual(
    held.map(({ SOPClassUID, SOPInstanceUID }) => `${SOPClassUID} ${SOPInstanceUID}`).sort(),
    written.map(({ file }) => `${file.sopClassUid} ${file.sopInstanceUid}`).sort(),
  );
  assert.deepEqual([...new Set(held.map(({ StudyInstanceUID }) => StudyInstanceUID))], [uidOf(`variants/axial/${0x0020000d}`)]);
  assert.equal(((await orthanc.call("GET", "/patients")) as unknown[]).length, 1);
});

test("dcmqrscp takes every object but label maps, whose class it does not know, and finds them in the study of the images", async () => {
  await using folder = await temporaryFolder("objects");
  await using archive = await startDcmqrscp();
  const written = await writeAll(folder.path);
  const node = { name: "archive", aeTitle: archive.aeTitle, host: "127.0.0.1", port: archive.port };
  const outcomes = await storeFiles(
    node,
    "SEGBOX",
    written.map(({ file }) => file),
  );
  for (const [index, object] of written.entries()) {
    const outcome = outcomes[index]!;
    if (isLabelMap(object))
      assert.deepEqual([outcome.kind, outcome.kind === "not-sent" && outcome.code], ["not-sent", "presentation-context-refused"]);
    else assert.deepEqual(outcome, { kind: "stored", status: 0 }, object.kind);
  }
  const { matches } = await findscu({
    port: archive.port,
    calledAeTitle: archive.aeTitle,
    model: "study",
    keys: { QueryRetrieveLevel: "SERIES", StudyInstanceUID: uidOf(`variants/axial/${0x0020000d}`), SeriesInstanceUID: "", Modality: "" },
  });
  assert.deepEqual(matches.map((match) => String(match["00080060"]?.Value?.[0])).sort(), ["DOC", "KO", "OT", "RTSTRUCT", "SEG", "SR"]);
});
