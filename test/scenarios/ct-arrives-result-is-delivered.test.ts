import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

const segmentation = "1.2.840.10008.5.1.4.1.1.66.4";
const rtStructureSet = "1.2.840.10008.5.1.4.1.1.481.3";

test("a CT series sent by storescu comes back to Orthanc as SEG and RTSTRUCT in its own study, voxel for voxel", async () => {
  await using folder = await temporaryFolder("whole-way");
  await using pacs = await startOrthanc();
  await using box = await startBox({ data: folder.path, pacs });

  const sent = await storescu({
    port: box.dicomPort,
    callingAeTitle: "CT1",
    calledAeTitle: box.aeTitle,
    options: ["-xv"],
    paths: [exampleCt],
  });
  assert.equal(sent.code, 0, sent.stderr);
  assert.deepEqual(new Set(sent.statuses), new Set(["0000"]));
  assert.equal(sent.statuses.length, 20);

  const series = await box.seriesWhen(isDelivered);
  const detail = await box.seriesDetail(series.id);
  const [result] = detail.resultDetails;
  assert.ok(result?.structures && result.structures.length >= 4, "lungs are not in view; gas, bone, fat and soft tissue are");

  // What the PACS says it holds, in the study of the images.
  const found = await pacs.find(`/studies/${detail.studyInstanceUid}/series`);
  assert.deepEqual(found.map((match) => match["00080060"]?.Value?.[0]).sort(), ["RTSTRUCT", "SEG"]);
  const objects = { seg: await pacs.instancesOf(segmentation), rtstruct: await pacs.instancesOf(rtStructureSet) };
  assert.equal(objects.seg.length, 1);
  assert.equal(objects.rtstruct.length, 1);
  assert.equal(pacs.storeRequests(), 2, "each object is sent once");

  // What others' readers say of the very bytes that were sent.
  const results = join(folder.path, "results", String(result.id));
  for (const file of ["seg.dcm", "rtstruct.dcm"]) {
    const judged = await run("dciodvfy", ["-new", join(results, file)]);
    assert.doesNotMatch(judged.stderr + judged.stdout, /^Error/m, file);
  }
  const received = join(folder.path, "received-seg.dcm");
  await writeFile(received, objects.seg[0]!);
  const compared = await python(join(import.meta.dirname, "seg_equals_nifti.py"), {
    seg: received,
    nifti: join(results, "labels.nii.gz"),
    labels: Object.fromEntries(result.structures.map(({ value, title }) => [title, value])),
  });
  assert.deepEqual(compared, { differing: 0, segments: result.structures.length, frames: (compared as { frames: number }).frames });
  assert.ok((compared as { frames: number }).frames > 20);

  // The statistics are those of the page.
  const statistics = JSON.parse(await readFile(join(results, "statistics.json"), "utf8")) as Record<string, { volume: number }>;
  for (const { name, volumeMl } of result.structures) assert.ok(Math.abs(statistics[name]!.volume - volumeMl * 1000) < 0.06, name);

  // Sending the same images again brings nothing new.
  const again = await storescu({
    port: box.dicomPort,
    callingAeTitle: "CT1",
    calledAeTitle: box.aeTitle,
    options: ["-xv"],
    paths: [exampleCt],
  });
  assert.equal(again.code, 0, again.stderr);
  const [same, ...others] = await box.listSeries();
  assert.deepEqual([others.length, same?.instanceCount, same?.results.length], [0, 20, 1]);
  assert.equal((await box.stop()).code, 0);
});
