import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";
import { startStorescp } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { exampleCt, startBox } from "./box.ts";

test("an image that comes again from another place is kept beside the first, flagged, and nothing is made of the series", async () => {
  await using folder = await temporaryFolder("two-contents");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: join(folder.path, "data"), pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  const node = { name: "box", aeTitle: box.aeTitle, host: "127.0.0.1", port: box.dicomPort };
  const paths = (await readdir(exampleCt)).sort().map((name) => join(exampleCt, name));
  const [first] = paths;
  const changed = await readFile(first!);
  const position = changed.indexOf(Buffer.from("200032004453", "hex")); // Image Position (Patient), in Explicit VR
  assert.ok(position > 0);
  const digit = position + 8;
  changed.write(changed.toString("latin1", digit, digit + 1) === "-" ? "+" : "-", digit, "latin1");
  const other = join(folder.path, "other.dcm");
  await writeFile(other, changed);
  const files = await Promise.all([...paths, other].map(async (path) => ({ path, ...readFileMeta(await readFile(path)) })));
  const outcomes = await storeFiles(node, "CT1", files);
  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(["stored"]));

  const { id, instanceCount, differingCopies, results } = await box.seriesWhen((series) =>
    series.results.some(({ state }) => state === "failed"),
  );
  assert.deepEqual([instanceCount, differingCopies], [20, 1]);
  assert.equal(results[0]?.reason?.code, "instance-ambiguous");
  assert.match(results[0]?.reason?.message ?? "", new RegExp(files[0]!.sopInstanceUid.replaceAll(".", "\\.")));
  assert.deepEqual((await box.seriesDetail(id)).differingCopies, 1);
  assert.deepEqual(await pacs.files(), []);
});
