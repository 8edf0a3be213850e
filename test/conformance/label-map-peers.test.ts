import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jpegLsFrames, rleFrames } from "../../appliance/dicom/frame-compression.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import { type StoreFile, storeFiles } from "../../appliance/dimse/scu.ts";
import { startDcmqrscp } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { resultCases } from "./result-cases.ts";

const { request } = resultCases().find(({ name }) => name === "axial")!;

function write(folder: string, name: string, pieces: Iterable<Uint8Array>): StoreFile {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([...pieces]));
  return { path, ...readFileMeta(readFileSync(path)) };
}

test("an archive that takes classes it does not know keeps a label map, plain and compressed, pixel by pixel", async () => {
  await using folder = await temporaryFolder("label-map");
  await using orthanc = await startOrthanc({ settings: { UnknownSopClassAccepted: true } });
  const other = (sopInstanceUid: string) => ({ ...request, uids: { ...request.uids, sopInstanceUid } });
  const files = [
    write(folder.path, "plain.dcm", encodeSegLabelmap(request)),
    write(folder.path, "rle.dcm", encodeSegLabelmap({ ...other("2.25.223"), compression: rleFrames })),
    write(folder.path, "jpeg-ls.dcm", encodeSegLabelmap({ ...other("2.25.224"), compression: await jpegLsFrames() })),
  ];
  const node = { name: "pacs", aeTitle: orthanc.aeTitle, host: "127.0.0.1", port: orthanc.dicomPort };
  const stored = { kind: "stored", status: 0 };
  assert.deepEqual(await storeFiles(node, "SEGBOX", files), [stored, stored, stored]);
  const kept = await orthanc.instancesOf(sopClass.labelMapSegmentationStorage);
  const pixels = ({ path }: StoreFile) => readFileSync(path).subarray(-request.labelMap.labels.length);
  assert.equal(kept.length, 3);
  for (const file of files)
    assert.ok(
      kept.some((bytes) => Buffer.from(bytes).subarray(-pixels(file).length).equals(pixels(file))),
      file.path,
    );
});

test("an archive of today refuses the class of label maps and takes the binary SEG in its stead", async () => {
  await using folder = await temporaryFolder("label-map");
  await using archive = await startDcmqrscp();
  const files = [
    write(folder.path, "label-map.dcm", encodeSegLabelmap(request)),
    write(folder.path, "seg.dcm", encodeSeg({ ...request, uids: { ...request.uids, sopInstanceUid: "2.25.223" } })),
  ];
  const node = { name: "archive", aeTitle: archive.aeTitle, host: "127.0.0.1", port: archive.port };
  const [labelMap, seg] = await storeFiles(node, "SEGBOX", files);
  assert.deepEqual(labelMap, {
    kind: "not-sent",
    code: "presentation-context-refused",
    permanent: true,
    message: "the peer does not take class 1.2.840.10008.5.1.4.1.1.66.7 in transfer syntax 1.2.840.10008.1.2.1",
  });
  assert.deepEqual(seg, { kind: "stored", status: 0 });
});
