import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { openExistingDatabase } from "../../appliance/store/database.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, isDelivered, startBox } from "./box.ts";

const segmentationStorage = "1.2.840.10008.5.1.4.1.1.66.4";

test("Orthanc stores, searches and retrieves here by DICOMweb, and gets the results by it", async () => {
  await using folder = await temporaryFolder("dicomweb");
  await using orthanc = await startOrthanc();
  const images = (await readdir(exampleCt)).sort().map((name) => join(exampleCt, name));
  for (const image of images) await orthanc.call("POST", "/instances", await readFile(image));
  const { studyInstanceUid, seriesInstanceUid } = readInstanceHeader(await readFile(images[0]!));
  await using box = await startBox({
    data: folder.path,
    pacs: { aeTitle: "NOBODY", dicomPort: 11119 },
    nodes: [{ name: "archive", aeTitle: "ARCHIVE", dicomweb: { url: `${orthanc.dicomWebUrl}/` } }],
    rules: [{ name: "axial CT", model: "reference", outputs: ["seg"], destinations: ["archive"] }],
  });
  const segbox = (...args: string[]) => run(process.execPath, [cli, "node", ...args, "--data", folder.path]);
  const { stdout } = await segbox("token", "archive");
  const token = stdout.trim();
  assert.match(token, /^[\w-]{43}$/);
  assert.match((await segbox("test", "archive")).stdout, /^archive .*answered in \d+ ms/);

  // Orthanc as client: the CT comes here by STOW-RS
  const server = (authorization: string) =>
    orthanc.call("PUT", "/dicom-web/servers/segbox", { Url: `${box.url}/dicom-web/`, HttpHeaders: { Authorization: authorization } });
  await server(`Bearer ${token.slice(1)}`);
  const [study] = (await orthanc.call("GET", "/studies")) as string[];
  await assert.rejects(orthanc.call("POST", "/dicom-web/servers/segbox/stow", { Resources: [study], Synchronous: true }), /401|40\d|500/);
  await server(`Bearer ${token}`);
  await orthanc.call("POST", "/dicom-web/servers/segbox/stow", { Resources: [study], Synchronous: true });
  const series = await box.seriesWhen(isDelivered);
  assert.deepEqual([series.instanceCount, series.callingAeTitle], [20, "ARCHIVE"]);

  // The result went out by STOW-RS, with a receipt
  const [seg] = await orthanc.instancesOf(segmentationStorage);
  const header = readInstanceHeader(seg!);
  assert.equal(header.studyInstanceUid, studyInstanceUid);
  const database = await openExistingDatabase(join(folder.path, "segbox.sqlite"), Date.now());
  const receipts = database.all("select service, sop_instance_uid as uid, ae_title as title, status from receipt");
  database.close();
  assert.deepEqual(receipts, [{ service: "stow-rs", uid: header.sopInstanceUid, title: "ARCHIVE", status: 0 }]);

  // Orthanc searches here, and takes back what it has lost
  const qido = (await orthanc.call("POST", "/dicom-web/servers/segbox/qido", {
    Uri: `/studies/${studyInstanceUid}/series`,
    Arguments: { Modality: "SEG" },
  })) as Record<string, { Value?: unknown }>[];
  assert.ok(JSON.stringify(qido).includes(header.seriesInstanceUid));
  await orthanc.call("DELETE", `/studies/${study}`);
  assert.deepEqual(await orthanc.call("GET", "/instances"), []);
  await orthanc.call("POST", "/dicom-web/servers/segbox/retrieve", { Resources: [{ Study: studyInstanceUid }], Synchronous: true });
  await eventually(async () => ((await orthanc.call("GET", "/instances")) as string[]).length === 21 || undefined, 20_000);

  // And a study that is there is fetched from it by WADO-RS: the same images again change nothing
  const pulled = await segbox("pull", "archive", studyInstanceUid, "--series", seriesInstanceUid);
  assert.match(pulled.stdout, /^20 images came from archive/, pulled.stderr);
  const missing = await segbox("pull", "archive", "1.2.3.4");
  assert.match(missing.stderr, /archive has no such study or series/);
});
