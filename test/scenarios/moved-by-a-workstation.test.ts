import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { getscu, movescu, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

test("a workstation has the PACS move a study to the box, and gets the result from the PACS", async () => {
  await using folder = await temporaryFolder("moved");
  await using fetched = await temporaryFolder("fetched");
  await using pacs = await startOrthanc({ settings: { DicomAlwaysAllowMove: true, DicomAlwaysAllowGet: true } });
  const { studyInstanceUid } = readInstanceHeader(await readFile(join(exampleCt, (await readdir(exampleCt))[0]!)));
  const stored = await storescu({ port: pacs.dicomPort, calledAeTitle: pacs.aeTitle, options: ["-xv"], paths: [exampleCt] });
  assert.equal(stored.code, 0, stored.stderr);
  await using box = await startBox({ data: folder.path, pacs });
  await pacs.call("PUT", "/modalities/segbox", { AET: box.aeTitle, Host: "127.0.0.1", Port: box.dicomPort });
  const workstation = { port: pacs.dicomPort, callingAeTitle: "WORKSTATION", calledAeTitle: pacs.aeTitle };

  const moved = await movescu({
    ...workstation,
    destination: box.aeTitle,
    keys: { QueryRetrieveLevel: "STUDY", StudyInstanceUID: studyInstanceUid },
  });
  assert.equal(moved.code, 0, moved.stderr);
  const series = await box.seriesWhen(isDelivered);
  assert.deepEqual([series.instanceCount, series.callingAeTitle], [20, "PACS"]);

  const { resultDetails } = await box.seriesDetail(series.id);
  const own = await readFile(join(folder.path, "results", String(resultDetails[0]!.id), "rtstruct.dcm"));
  const { seriesInstanceUid, sopInstanceUid } = readInstanceHeader(own);
  const keys = { QueryRetrieveLevel: "SERIES", StudyInstanceUID: studyInstanceUid, SeriesInstanceUID: seriesInstanceUid };
  const got = await getscu({ ...workstation, folder: fetched.path, keys });
  assert.equal(got.code, 0, got.stderr);
  const names = await readdir(fetched.path);
  assert.equal(names.length, 1, got.stderr);
  assert.equal(readInstanceHeader(await readFile(join(fetched.path, names[0]!))).sopInstanceUid, sopInstanceUid);
});
