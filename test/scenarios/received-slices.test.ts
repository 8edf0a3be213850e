import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { exampleVariants, twoPhases, type Variant } from "../make/variants.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";
import { type Box, isDelivered, startBox } from "./box.ts";

const rule = { name: "all", match: { minimumSlices: 10 }, model: "reference", outputs: ["seg", "sr"], destinations: ["pacs"] };

/** Sends a series and waits until its result is delivered; its images as files, the result's folder and notes. */
async function segmented(box: Box, folder: string, { name, instances }: Variant) {
  const sent = join(folder, name);
  await mkdir(sent);
  const images = await Promise.all(
    instances.map(async ({ bytes }, at) => {
      const path = join(sent, `${at}.dcm`);
      await writeFile(path, bytes);
      return path;
    }),
  );
  const stored = await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, paths: [sent] });
  assert.equal(stored.code, 0, stored.stderr);
  const series = await box.seriesWhen((newest) => newest.instanceCount === instances.length && isDelivered(newest));
  const [result] = (await box.seriesDetail(series.id)).resultDetails;
  assert.ok(result?.record && result.structures && result.structures.length > 0, name);
  const results = join(folder, "data", "results", String(result.id));
  const placed = (await python(join(import.meta.dirname, "seg_on_slices.py"), { seg: join(results, "seg.dcm"), images })) as {
    frames: number;
    offMm: number;
    images: string[];
  };
  const sr = await run("dsrdump", ["+Pl", join(results, "sr.dcm")]);
  return { notes: result.record.notes, placed, sr: sr.stdout };
}

test("tilted slices, two spacings and two phases are segmented, results lie on the slices as received, and page and SR say what was done", async (t) => {
  await using folder = await temporaryFolder("received-slices");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const peer = { aeTitle: "PACS", dicomPort: pacs.port };
  await using box = await startBox({ data: join(folder.path, "data"), pacs: peer, quietSeconds: 0.3, rules: [rule] });
  const variants = await exampleVariants();

  for (const [name, says] of [
    ["tilted by -18.5 degrees", /sheared by 18\.5 degrees/],
    ["two spacings, tilted by 18.5 degrees", /2\.00 to 4\.00 mm apart/],
  ] as const)
    await t.test(name, async () => {
      const { notes, placed, sr } = await segmented(box, folder.path, variants.find((variant) => variant.name === name)!);
      assert.match(notes.join(), says);
      assert.match(sr, says);
      assert.ok(placed.frames >= 10 && placed.offMm < 1e-6, JSON.stringify(placed));
    });

  await t.test("two phases", async () => {
    const variant = await twoPhases();
    const { notes, placed, sr } = await segmented(box, folder.path, variant);
    const says = /those of Acquisition Number 1 were segmented, 10 of Acquisition Number 2 were left out/;
    assert.match(notes.join(), says);
    assert.match(sr, says);
    const ofFirst = variant.instances.slice(10).map(({ sopInstanceUid }) => sopInstanceUid);
    assert.ok(placed.images.every((uid) => ofFirst.includes(uid)));
  });
});
