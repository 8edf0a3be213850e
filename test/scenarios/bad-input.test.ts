import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { type StoreOutcome, storeFiles } from "../../appliance/dimse/scu.ts";
import { listAudit } from "../../appliance/store/audit.ts";
import { openDatabase } from "../../appliance/store/database.ts";
import { type CtSeriesOptions, makeCtSeries } from "../make/ct-series.ts";
import { echoscu, startStorescp } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { type Box, startBox } from "./box.ts";

const cli = join(import.meta.dirname, "../../appliance/cli/main.ts");
const thorax = { dims: [64, 64, 24], spacingMm: [4, 4, 4] } as const satisfies CtSeriesOptions;

/** Each kind of series that must come to a stop, the code of the stored reason, and what the reason must say. */
const badSeries: readonly { what: string; options: CtSeriesOptions; code: string; says: RegExp }[] = [
  { what: "an MR series", options: { ...thorax, modality: "MR" }, code: "modality", says: /modality is MR, expected CT/ },
  { what: "a single slice", options: { ...thorax, dims: [64, 64, 1] }, code: "too-few-slices", says: /1 slice, expected at least 10/ },
  { what: "a series with a missing slice", options: { ...thorax, missing: [11] }, code: "slices-uneven", says: /8(\.0+)? mm/ },
  { what: "a truncated image", options: { ...thorax, cutTo: (k) => (k === 7 ? 4000 : null) }, code: "pixel-data-truncated", says: /bytes/ },
  { what: "two images at one place", options: { ...thorax, twice: [5], twiceHu: () => 7 }, code: "slices-not-a-volume", says: /position/ },
  {
    what: "a sagittal series",
    options: { ...thorax, orientation: [0, 1, 0, 0, 0, -1] },
    code: "not-axial",
    says: /not axial/,
  },
];

test("bad input ends with a stored reason that says what was found, and the service goes on", async (t) => {
  await using folder = await temporaryFolder("bad-input");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({
    data: join(folder.path, "data"),
    pacs: { aeTitle: "PACS", dicomPort: pacs.port },
    quietSeconds: 0.3,
    dicom: { otherStorageClasses: ["1.2.840.10008.5.1.4.1.1.4"] }, // MR
  });

  for (const { what, options, code, says } of badSeries)
    await t.test(what, async () => {
      const outcomes = await send(box, join(folder.path, what), makeCtSeries({ ...options, name: what }));
      assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(["stored"]));
      const series = await box.seriesWhen(
        ({ state, results }) => state === "ignored" || results.some((result) => result.state === "failed"),
      );
      const reason = series.reason ?? series.results[0]?.reason;
      assert.equal(reason?.code, code);
      assert.match(reason.message, says);
    });

  await t.test("bytes that are no DICOM data set are refused with a status, and nothing is kept of them", async () => {
    const path = join(folder.path, "garbage");
    await writeFile(path, Buffer.alloc(3000, "no DICOM "));
    const [real] = makeCtSeries({ ...thorax, name: "meta of the garbage" });
    const [outcome] = await storeFiles(nodeOf(box), "CT1", [{ path, ...readFileMeta(real!.bytes), dataSetOffset: 0 }]);
    assert.equal(outcome?.kind, "refused");
    assert.ok(outcome.permanent && outcome.status >= 0xa900, `status ${outcome.status.toString(16)}`);
    const database = await openDatabase(join(folder.path, "data/segbox.sqlite"), Date.now());
    const [entry] = listAudit(database, 500).filter(({ action }) => action === "instance-refused");
    database.close();
    assert.equal(entry?.actor, "ae:CT1");
    assert.deepEqual(await readdir(join(folder.path, "data/objects/incoming")), []);
  });

  assert.equal((await box.listSeries()).length, badSeries.length);
  assert.equal(
    (await echoscu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle })).code,
    0,
    "the service still answers",
  );
  assert.deepEqual(await pacs.files(), [], "no result of bad input reached the PACS");
  assert.ok(!box.process.lines.some((line) => line.includes("Phantom")), "no patient name in the log");
});

test("`segbox segment` refuses bad input in one line on standard error with exit code 1", async () => {
  await using folder = await temporaryFolder("bad-folder");
  const segment = (name: string) =>
    run(process.execPath, [cli, "segment", "--input", join(folder.path, name), "--output", join(folder.path, `${name}-out`)]);
  await mkdir(join(folder.path, "text"));
  await writeFile(join(folder.path, "text/notes.txt"), "no DICOM here");
  const text = await segment("text");
  assert.equal(text.code, 1);
  assert.match(text.stderr, /^segbox: no DICOM image in /m);
  await writeSeries(join(folder.path, "gap"), makeCtSeries({ ...thorax, missing: [11] }));
  const gap = await segment("gap");
  assert.equal(gap.code, 1);
  assert.match(gap.stderr.trim(), /^segbox: .*8(\.0+)? mm.*$/);
  await writeSeries(join(folder.path, "mr"), makeCtSeries({ ...thorax, modality: "MR" }));
  const mr = await segment("mr");
  assert.equal(mr.code, 1);
  assert.match(mr.stderr.trim(), /^segbox: .*MR.*$/);
});

async function writeSeries(folder: string, instances: readonly { bytes: Uint8Array }[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    instances.map(async ({ bytes }, index) => {
      const path = join(folder, `${index}.dcm`);
      await writeFile(path, bytes);
      return path;
    }),
  );
}

async function send(box: Box, folder: string, instances: readonly { bytes: Uint8Array }[]): Promise<StoreOutcome[]> {
  const written = await writeSeries(folder, instances);
  const files = await Promise.all(written.map(async (path) => ({ path, ...readFileMeta(await readFile(path)) })));
  return storeFiles(nodeOf(box), "CT1", files);
}

function nodeOf({ aeTitle, dicomPort }: Box) {
  return { name: "box", aeTitle, host: "127.0.0.1", port: dicomPort };
}
