import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { paths } from "../../appliance/api/paths.ts";
import type { SeriesSummary } from "../../appliance/api/series.ts";
import type { StorageOutcome, StorageState } from "../../appliance/api/storage.ts";
import { systemClock } from "../../appliance/base/clock.ts";
import { createLog } from "../../appliance/base/log.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { startService } from "../../appliance/main.ts";
import { listAudit } from "../../appliance/store/audit.ts";
import { verifyAudit } from "../../appliance/store/audit-chain.ts";
import { openDatabase } from "../../appliance/store/database.ts";
import { makeCtSeries, uidOf } from "../make/ct-series.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";
import { freePort } from "../peers/ports.ts";
import { run } from "../peers/process.ts";
import { type Box, cli, password, startBox } from "./box.ts";

const dayMs = 86_400_000;

/** A series under names that no other text of the service has. */
async function writeSeries(folder: string, name: string, patientName: string): Promise<string> {
  await mkdir(folder);
  const images = makeCtSeries({
    name,
    patientName,
    dims: [64, 64, 24],
    spacingMm: [4, 4, 4],
    hu: (i, j) => (i > 20 && j > 20 ? 60 : -900),
  });
  for (const { sopInstanceUid, bytes } of images) await writeFile(join(folder, `${sopInstanceUid}.dcm`), bytes);
  return folder;
}

const rule = (name: string, from: string, to: string) => ({
  ...{ name, match: { minimumSlices: 10, callingAeTitles: [from] }, model: "reference", outputs: ["seg"], destinations: [to] },
});

/** A box with a destination that answers and one that is away, and a series for each: the first one's result arrives, the other one's waits. */
async function boxWithTwoSeries(
  folder: TemporaryFolder,
  pacsPort: number,
): Promise<{ box: Box; gone: SeriesSummary; held: SeriesSummary }> {
  const away = await freePort();
  const box = await startBox({
    data: join(folder.path, "data"),
    pacs: { aeTitle: "PACS", dicomPort: pacsPort },
    quietSeconds: 0.5,
    nodes: [
      { name: "scanner 2", aeTitle: "CT2", port: 11114 },
      { name: "away", aeTitle: "AWAY", port: away },
    ],
    rules: [rule("arrives", "CT1", "pacs"), rule("waits", "CT2", "away")],
  });
  const send = async (from: string, name: string, patientName: string) =>
    storescu({
      ...{ port: box.dicomPort, callingAeTitle: from, calledAeTitle: box.aeTitle },
      paths: [await writeSeries(join(folder.path, name), name, patientName)],
    });
  await send("CT1", "gone", "Zebra^Arrives");
  const gone = await box.seriesWhen(({ results }) => results[0]?.state === "delivered");
  await send("CT2", "held", "Quagga^Waits");
  const held = await box.seriesWhen(({ id, results }) => id !== gone.id && (results[0]?.deliveries[0]?.attempts ?? 0) > 0);
  return { box, gone, held };
}

/** The service in this process, with its clock put forward. */
async function startAhead(data: string, days: number) {
  const clock = { ...systemClock, now: () => Date.now() + days * dayMs };
  const lines: string[] = [];
  const service = await startService({ data, provision: undefined, clock, log: createLog((line) => lines.push(line), clock.now) });
  const url = `http://127.0.0.1:${service.httpPort}`;
  const body = JSON.stringify({ name: "tester", password });
  const signedIn = await fetch(url + paths.session, { method: "POST", headers: { "content-type": "application/json", origin: url }, body });
  const cookie = signedIn.headers.getSetCookie()[0]!.split(";")[0]!;
  const ask = (path: string, request?: unknown) =>
    fetch(url + path, {
      headers: { cookie, origin: url, ...(request !== undefined && { "content-type": "application/json" }) },
      ...(request !== undefined && { method: "POST", body: JSON.stringify(request) }),
    });
  return { ...service, ask, lines, [Symbol.asyncDispose]: () => service.stop() };
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Files below the folder that hold one of the texts, in whatever form. */
async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of await filesUnder(folder)) {
    const bytes = await readFile(path);
    for (const text of texts) if (bytes.includes(text) || bytes.includes(Buffer.from(text, "utf16le"))) found.push(`${path}: ${text}`);
  }
  return found;
}

const imageUids = (name: string): string[] => Array.from({ length: 24 }, (_, k) => uidOf(`${name}/${k}`));

test("what is delivered goes with its time, what is not stays, and what the archive has can still be explained", async () => {
  await using folder = await temporaryFolder("retention");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const data = join(folder.path, "data");
  const { box, gone, held } = await boxWithTwoSeries(folder, pacs.port);
  const resultOf = ({ results }: SeriesSummary): string => String(results[0]!.id);
  await box.stop();
  const segUid = readFileMeta(await readFile((await pacs.files())[0]!)).sopInstanceUid;

  {
    await using ahead = await startAhead(data, 31);
    const { usual } = (await (await ahead.ask(paths.storage)).json()) as StorageState;
    assert.deepEqual(
      usual.removals.map(({ seriesId, what, images }) => [seriesId, what, images]),
      [[gone.id, "images", 24]],
    );
    assert.deepEqual(
      usual.kept.map(({ seriesId }) => seriesId),
      [held.id],
    );
    const outcome = (await (await ahead.ask(paths.runRetention, {})).json()) as StorageOutcome;
    assert.deepEqual([outcome.images, outcome.results, outcome.kept], [24, 0, 1]);
    assert.ok(usual.removals[0]!.bytes > 24 * 64 * 64 * 2);
    assert.equal((await filesUnder(join(data, "objects"))).length, 24);
    assert.deepEqual((await readdir(join(data, "results"))).sort(), [resultOf(gone), resultOf(held)].sort());
    assert.ok(ahead.lines.some((line) => line.includes('"retention-done"') && !line.includes("Zebra")));
  }
  {
    await using ahead = await startAhead(data, 91);
    assert.equal(((await (await ahead.ask(paths.runRetention, {})).json()) as StorageOutcome).results, 1);
    assert.deepEqual(await readdir(join(data, "results")), [resultOf(held)]);
    assert.equal((await ahead.ask(paths.series(gone.id))).status, 404);
    assert.equal((await ahead.ask(paths.purge, { confirmation: "yes" })).status, 400, "a word has to be typed");
    const purged = (await (await ahead.ask(paths.purge, { confirmation: "delete" })).json()) as StorageOutcome;
    assert.deepEqual([purged.series, purged.kept], [0, 1], "not even an order takes what is not delivered");
  }
  assert.deepEqual(await filesWith(data, ["Zebra", ...imageUids("gone").map((uid) => `${uid}x`)]), [], "no name is left");
  const explained = await run(process.execPath, [cli, "explain", segUid, "--data", data]);
  assert.equal(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, /^deleted +20\d\d-.*\n/m);
  assert.match(explained.stdout, /^receipt .*pacs \(PACS\)/m);
  const again = await run(process.execPath, [cli, "reproduce", segUid, "--data", data]);
  assert.match(again.stderr, /was deleted 20/);

  await using box2 = await startBox({ data, pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  await storescu({ port: box2.dicomPort, callingAeTitle: "CT1", calledAeTitle: "SEGBOX", paths: [join(folder.path, "gone")] });
  const anew = await box2.seriesWhen(({ results }) => results[0]?.state === "delivered");
  assert.ok(anew.id > held.id);
  assert.ok((await box2.seriesDetail(anew.id)).earlierRemovedAt! > Date.now(), "it was deleted, as the clock said then, in three months");
});

test("an erased study leaves nothing of itself in the data folder but a line that nobody can read it from", async () => {
  await using folder = await temporaryFolder("erasure");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const data = join(folder.path, "data");
  const { box, gone, held } = await boxWithTwoSeries(folder, pacs.port);
  await using _ = box;
  const command = (...args: string[]) => run(process.execPath, [cli, ...args, "--data", data]);
  const study = uidOf("gone/study");

  const output = join(folder.path, "export");
  const exported = await command("study", "export", study, "--output", output);
  assert.equal(exported.code, 0, exported.stderr);
  const manifest = JSON.parse(await readFile(join(output, "manifest.json"), "utf8")) as {
    files: { name: string; sha256: string; sizeBytes: number }[];
    missing: string[];
  };
  assert.deepEqual(manifest.missing, []);
  assert.deepEqual(
    manifest.files.map(({ name }) => join(output, name)).toSorted(),
    (await filesUnder(output)).filter((path) => !path.endsWith("manifest.json")).toSorted(),
  );
  for (const { name, sha256, sizeBytes } of manifest.files) {
    const bytes = await readFile(join(output, name));
    assert.deepEqual([createHash("sha256").update(bytes).digest("hex"), bytes.length], [sha256, sizeBytes], name);
  }
  assert.equal(manifest.files.filter(({ name }) => name.startsWith("received/")).length, 24);
  assert.ok(manifest.files.some(({ name }) => name === `made/${gone.results[0]!.id}/seg.dcm`));
  assert.match((await run("dcmdump", ["-q", "+P", "0010,0010", join(output, `made/${gone.results[0]!.id}/seg.dcm`)])).stdout, /Zebra/);
  const audit = JSON.parse(await readFile(join(output, "audit.json"), "utf8")) as { action: string }[];
  assert.ok(audit.some(({ action }) => action === "result-delivered"));

  const archive = join(folder.path, "export.tar");
  await writeFile(
    archive,
    Buffer.from(await (await fetch(box.url + paths.exportStudy(study), { headers: { cookie: box.cookie } })).arrayBuffer()),
  );
  const listed = (await run("tar", ["-tf", archive])).stdout.trim().split("\n");
  assert.deepEqual(listed.toSorted(), [...manifest.files.map(({ name }) => name), "manifest.json"].toSorted());
  assert.equal((await run("tar", ["-xf", archive, "-C", folder.path, "manifest.json"])).code, 0);

  const uids = [study, uidOf("gone/series"), ...imageUids("gone"), "Zebra"];
  assert.ok((await filesWith(data, uids)).length > 20, "the search finds what is there");
  const waiting = await command("study", "erase", uidOf("held/study"), "--yes");
  assert.match(waiting.stderr, /not delivered|in work|being worked on/);
  assert.equal(waiting.code, 1);
  const erased = await command("study", "erase", study, "--yes");
  assert.equal(erased.code, 0, erased.stderr);
  assert.match(erased.stdout, /erased: 1 series, 24 images, 1 results/);
  assert.deepEqual(await filesWith(data, uids), []);
  assert.equal((await filesUnder(join(data, "objects"))).length, 24, "the other study's");

  const byForce = { confirmation: uidOf("held/study"), force: true };
  assert.equal(await box.post(paths.eraseStudy(uidOf("held/study")), { ...byForce, confirmation: study }), 400, "not confirmed");
  await eventually(async () => (await box.post(paths.eraseStudy(uidOf("held/study")), byForce)) === 200 || undefined); // not while it is sent
  assert.deepEqual(await filesWith(data, ["Quagga", uidOf("held/study"), uidOf("held/series"), ...imageUids("held")]), []);
  assert.deepEqual([await filesUnder(join(data, "objects")), await readdir(join(data, "results"))], [[], []]);
  assert.deepEqual(await box.listSeries(), []);
  assert.equal(held.results.length, 1);
  await box.stop();

  const database = await openDatabase(join(data, "segbox.sqlite"), Date.now());
  const entries = listAudit(database, 1_000).filter(({ action }) => action === "study-erased");
  assert.deepEqual(
    entries.map(({ actor, object }) => `${actor} ${object}`),
    [`user:tester study:sha256:${sha256Of(uidOf("held/study"))}`, `console study:sha256:${sha256Of(study)}`],
  );
  assert.equal(verifyAudit(database).broken, null);
  database.close();
});

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
