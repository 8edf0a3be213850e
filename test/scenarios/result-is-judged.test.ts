import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "../../appliance/api/paths.ts";
import { storescu } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

const keyObjectSelection = "1.2.840.10008.5.1.4.1.1.88.59";
const segmentation = "1.2.840.10008.5.1.4.1.1.66.4";

test("a held result leaves when it is accepted; rejected later, the PACS gets a rejection note that names its objects", async () => {
  await using folder = await temporaryFolder("judged");
  await using pacs = await startOrthanc();
  await using box = await startBox({
    data: folder.path,
    pacs,
    quietSeconds: 0.5,
    rules: [{ name: "looked at first", model: "reference", outputs: ["seg", "sr"], destinations: ["pacs"], deliver: "after-acceptance" }],
  });
  await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
  const held = await box.seriesWhen(({ results }) => results.some(({ state }) => state === "held"));
  const { id } = held.results[0]!;
  await sleep(500); // what is held would be out by now
  assert.equal(pacs.storeRequests(), 0);

  assert.equal(await box.post(paths.review(id), { verdict: "accepted" }), 204);
  await box.seriesWhen(isDelivered);
  assert.equal(pacs.storeRequests(), 2);
  const [report] = await pacs.instancesOf("1.2.840.10008.5.1.4.1.1.88.34");
  await writeFile(join(folder.path, "report.dcm"), report!);
  assert.match(
    (await run("dsrdump", [join(folder.path, "report.dcm")])).stdout,
    /Preliminary Flag +: FINAL/,
    "the report says that it was accepted",
  );
  assert.equal(await box.post(paths.review(id), { verdict: "accepted" }), 422, "accepted once");
  assert.equal(await box.post(paths.review(id), { verdict: "rejected", reason: "" }), 400, "a rejection says why");

  assert.equal(await box.post(paths.review(id), { verdict: "rejected", reason: "Liver called lung" }), 204);
  const [note] = await eventually(async () => {
    const notes = await pacs.instancesOf(keyObjectSelection);
    return notes.length > 0 ? notes : undefined;
  });
  const file = join(folder.path, "note.dcm");
  await writeFile(file, note!);
  const dump = await run("dsrdump", [file]);
  assert.match(dump.stdout, /Rejected for Patient Safety Reasons/);
  assert.match(dump.stdout, /Liver called lung/);
  const [seg] = await pacs.find(`/instances?SOPClassUID=${segmentation}`);
  const text = await run("dcmdump", [file]);
  assert.ok(text.stdout.includes(String(seg!["00080018"]!.Value![0])), "the note names the SEG");
  const detail = await box.seriesDetail(held.id);
  assert.equal(detail.results[0]!.state, "rejected");
  const review = detail.resultDetails[0]!.review!;
  assert.deepEqual([review.verdict, review.by, review.reason], ["rejected", "tester", "Liver called lung"]);
  assert.equal(await box.post(paths.review(id), { verdict: "accepted" }), 422, "a rejection stands");
});
