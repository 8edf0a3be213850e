import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";
import { startStorescp } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

async function exampleFiles() {
  const names = (await readdir(exampleCt)).sort();
  return Promise.all(names.map(async (name) => ({ path: join(exampleCt, name), ...readFileMeta(await readFile(join(exampleCt, name))) })));
}

test("a series whose images come late gets a new result with new UIDs, and the PACS is told that the first one is to be used no more", async () => {
  await using folder = await temporaryFolder("late-images");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  const node = { name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort };
  const files = await exampleFiles(); // by name, which is by position
  await storeFiles(node, "CT1", files.slice(0, 12));
  const first = await box.seriesWhen(isDelivered);
  await storeFiles(node, "CT1", files.slice(12));
  const second = await box.seriesWhen(
    ({ results }) => results.some(({ state }) => state === "superseded") && results.some(({ state }) => state === "delivered"),
  );
  assert.equal(second.id, first.id);
  assert.equal(second.instanceCount, 20);
  const allReceived = await eventually(async () => {
    const received = await pacs.files();
    return received.length === 5 ? received : undefined;
  });
  const headers = await Promise.all(allReceived.map(async (path) => readInstanceHeader(await readFile(path))));
  assert.deepEqual(headers.map(({ modality }) => modality).sort(), ["KO", "RTSTRUCT", "RTSTRUCT", "SEG", "SEG"]);
});

test("a scanner that pauses within an association gets its series segmented whole, not by halves", async () => {
  await using folder = await temporaryFolder("pause");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  const node = { name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort };
  const files = await exampleFiles();
  await storeFiles(node, "CT1", files, {
    async onStored(index) {
      if (index !== 11) return;
      await sleep(2_500); // five times the quiet time
      const [series] = await box.listSeries();
      assert.deepEqual([series?.state, series?.instanceCount, series?.results.length], ["receiving", 12, 0]);
    },
  });
  const series = await box.seriesWhen(isDelivered);
  assert.deepEqual([series.instanceCount, series.results.length], [20, 1]);
});
