import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import type { Provenance } from "../../appliance/pipeline/provenance.ts";
import { openDatabase } from "../../appliance/store/database.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, isDelivered, startBox } from "./box.ts";

test("a superseded result keeps its own images, and is made again from them; on another machine it is compared by structure", async () => {
  await using folder = await temporaryFolder("superseded");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  const images = (await readdir(exampleCt)).sort().map((name) => join(exampleCt, name));
  const send = (paths: readonly string[]) =>
    storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths });
  await send(images.slice(0, 15));
  await box.seriesWhen(isDelivered);
  const segs = (await pacs.files()).map(async (file) => readFileMeta(await readFile(file)));
  const { sopInstanceUid } = (await Promise.all(segs)).find(({ sopClassUid }) => sopClassUid.endsWith(".66.4"))!;
  await send(images.slice(15));
  await box.seriesWhen(({ results }) => results[0]?.state === "superseded" && results[1]?.state === "delivered");
  const [older, newer] = (await Promise.all((await pacs.files()).map(readStructureSet)))
    .filter((each) => each !== null)
    .sort((a, b) => a.predecessors.length - b.predecessors.length);
  assert.deepEqual([older?.predecessors, newer?.predecessors], [[], [older?.uid]], "the newer structure set names the older one");
  const segbox = (...args: string[]) => run(process.execPath, [cli, ...args, "--data", folder.path], { timeoutMs: 200_000 });

  const provenance = JSON.parse((await segbox("explain", sopInstanceUid, "--json")).stdout) as Provenance;
  assert.deepEqual([provenance.state, provenance.inputs.length, provenance.seriesIsUnchanged], ["superseded", 15, false]);
  // As if another machine had made it, with one voxel that came out otherwise there.
  const labels = join(folder.path, "results", String(provenance.resultId), "labels.u8");
  const bytes = await readFile(labels);
  bytes[bytes.indexOf(1)] = 2;
  await writeFile(labels, bytes);
  const database = await openDatabase(join(folder.path, "segbox.sqlite"), Date.now());
  const alter = (path: string, value: string) =>
    database.run("update result set record = json_set(record, ?, ?) where id = ?", path, value, provenance.resultId);
  alter("$.trace.labelMapSha256", "00");
  alter("$.trace.cpu", "Some other processor");
  const elsewhere = await segbox("reproduce", sopInstanceUid);
  assert.equal(elsewhere.code, 0, elsewhere.stderr);
  assert.match(elsewhere.stdout, /^compared by structure: processor was Some other processor, is /);
  // From its own 15 images: from any others more than the one voxel would differ.
  assert.match(elsewhere.stdout, /\nBone: Dice 1\.0000, [\s\S]*\n1 voxel differs\nagrees: least Dice 0\.9999, /);
  database.close();
});

type Json = { readonly [tag: string]: { readonly Value?: readonly unknown[] } | undefined };

/** UIDs of a structure set and of those whose place it takes, as dcmtk reads them; null of another object. */
async function readStructureSet(file: string): Promise<{ readonly uid: unknown; readonly predecessors: readonly unknown[] } | null> {
  const json = JSON.parse((await run("dcm2json", [file])).stdout) as Json;
  if (json["00080016"]?.Value?.[0] !== "1.2.840.10008.5.1.4.1.1.481.3") return null;
  const items = (json["30060018"]?.Value ?? []) as readonly Json[];
  return { uid: json["00080018"]?.Value?.[0], predecessors: items.map((item) => item["00081155"]?.Value?.[0]) };
}
