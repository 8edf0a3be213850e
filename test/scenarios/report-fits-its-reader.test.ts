import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Output } from "../../appliance/api/deliveries.ts";
import { paths } from "../../appliance/api/paths.ts";
import type { Making, Provenance } from "../../appliance/pipeline/provenance.ts";
import { type StorageNode, startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { type Orthanc, startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

const segmentation = "1.2.840.10008.5.1.4.1.1.66.4";
const structureSet = "1.2.840.10008.5.1.4.1.1.481.3";
const report = "1.2.840.10008.5.1.4.1.1.88.34";
const note = "1.2.840.10008.5.1.4.1.1.88.59";

type DicomJson = Readonly<Record<string, { readonly Value?: readonly unknown[] }>>;
type Held = { readonly sopClass: string; readonly uid: string; readonly json: DicomJson; readonly text: string; readonly file: string };

/** What a peer holds, as dcmtk reads it. */
async function read(files: readonly string[]): Promise<Held[]> {
  return Promise.all(
    files.map(async (file) => {
      const { stdout } = await run("dcm2json", [file]);
      const json = JSON.parse(stdout) as DicomJson;
      return { sopClass: String(firstValue(json, "00080016")), uid: String(firstValue(json, "00080018")), json, text: stdout, file };
    }),
  );
}

const firstValue = (json: DicomJson, tag: string): unknown => json[tag]?.Value?.[0];
/** The SOP Instance UIDs of a hierarchical reference (PS3.3 table C.17-3), sorted. */
function referred(json: DicomJson, tag: string): string[] {
  const series = (firstValue(json, tag) as DicomJson | undefined)?.["00081115"]?.Value ?? [];
  const instances = (series as DicomJson[]).flatMap((item) => item["00081199"]!.Value as DicomJson[]);
  return instances.map((item) => String(firstValue(item, "00081155"))).sort();
}

async function heldByOrthanc(pacs: Orthanc, folder: string): Promise<Held[]> {
  const files: string[] = [];
  for (const sopClass of [segmentation, structureSet, report, note])
    for (const [index, bytes] of (await pacs.instancesOf(sopClass)).entries()) {
      const file = join(folder, `${sopClass}-${index}.dcm`);
      await writeFile(file, bytes);
      files.push(file);
    }
  return read(files);
}

test("each destination's report, report after review and rejection note refer to what that destination has, and to nothing else", async () => {
  await using folder = await temporaryFolder("reports");
  await using pacs = await startOrthanc();
  await using planning: StorageNode = await startStorescp({ aeTitle: "PLANNING", takes: [structureSet, report, note] });
  const send = [["seg", "rtstruct"], "sr"];
  await using box = await startBox({
    data: folder.path,
    pacs,
    quietSeconds: 0.5,
    organization: "Klinik am See",
    nodes: [{ name: "planning", aeTitle: "PLANNING", port: planning.port }],
    rules: [{ name: "axial CT", model: "reference", outputs: ["sr"], destinations: ["pacs", "planning"].map((node) => ({ node, send })) }],
  });
  await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
  const series = await box.seriesWhen(isDelivered);
  const { id } = series.results[0]!;
  const holdings = async (): Promise<readonly [Held[], Held[]]> => [
    await heldByOrthanc(pacs, folder.path),
    await read(await planning.files()),
  ];
  const toEach = (output: Output) =>
    box.seriesWhen(({ results }) => {
      const sent = results[0]!.deliveries.filter((delivery) => delivery.output === output);
      return sent.length === 2 && sent.every(({ state }) => state === "delivered");
    });
  const of = (held: readonly Held[], sopClass: string): Held[] => held.filter((each) => each.sopClass === sopClass);

  // As delivered: the one refers to its SEG, the other, which does not take it, to none.
  const [first, firstPlanning] = await holdings();
  const [seg] = of(first, segmentation);
  const [sr] = of(first, report);
  const [plainSr] = of(firstPlanning, report);
  assert.ok(seg && sr && plainSr);
  assert.notEqual(sr.uid, plainSr.uid, "what says something else is another object");
  assert.ok(referred(sr.json, "0040A375").includes(seg.uid));
  assert.ok(!plainSr.text.includes(seg.uid), "what a destination has not is not referred to");
  for (const each of [sr, plainSr])
    assert.deepEqual(
      ["0040A493", "0040A496"].map((tag) => firstValue(each.json, tag)),
      ["UNVERIFIED", "PRELIMINARY"],
    );

  // Accepted: a new report to each, in place of its own first one.
  assert.equal(await box.post(paths.review(id), { verdict: "accepted" }), 204);
  await toEach("reviewed-sr");
  const [reviewed, reviewedPlanning] = await holdings();
  assert.deepEqual([of(reviewed, report).length, of(reviewedPlanning, report).length], [2, 2]);
  for (const [held, before] of [[reviewed, sr] as const, [reviewedPlanning, plainSr] as const]) {
    const renewed = of(held, report).find(({ uid }) => uid !== before.uid)!;
    assert.deepEqual(referred(renewed.json, "0040A360"), [before.uid]);
    assert.equal(firstValue(renewed.json, "0020000D"), firstValue(before.json, "0020000D"), "in the same study");
    assert.deepEqual(
      ["0040A493", "0040A496"].map((tag) => firstValue(renewed.json, tag)),
      ["VERIFIED", "FINAL"],
    );
    const observer = firstValue(renewed.json, "0040A073") as DicomJson;
    assert.equal(firstValue(observer, "0040A027"), "Klinik am See");
    assert.match(JSON.stringify(observer), /tester/);
    assert.equal(renewed.text.includes(seg.uid), held === reviewed);
    const { stdout, stderr } = await run("dciodvfy", ["-new", renewed.file]);
    assert.doesNotMatch(stdout + stderr, /^Error/m);
  }

  // Rejected after all: each note names what its reader has.
  assert.equal(await box.post(paths.review(id), { verdict: "rejected", reason: "Left and right are swapped" }), 204);
  await toEach("rejection-note");
  const last = await holdings();
  assert.deepEqual(
    last.map((held) => of(held, note).length),
    [1, 1],
  );
  for (const held of last) {
    const has = held.filter(({ sopClass }) => sopClass !== note).map(({ uid }) => uid);
    assert.deepEqual(referred(of(held, note)[0]!.json, "0040A375"), has.sort());
  }

  // And the record says all of it.
  const { receipts, objects, inputs, steps, rule } = await box.get<Provenance>(paths.resultFile(id, "provenance.json"));
  const taken = receipts.map(({ destination, output }) => `${destination} ${output}`).sort();
  assert.deepEqual(taken, [
    "pacs rejection-note",
    "pacs reviewed-sr",
    "pacs seg",
    "pacs sr",
    "planning rejection-note",
    "planning reviewed-sr",
    "planning rtstruct",
    "planning sr",
  ]);
  assert.deepEqual(new Set(receipts.map(({ sopInstanceUid }) => sopInstanceUid)), new Set(last.flat().map(({ uid }) => uid)));
  const known = new Set(objects!.map(({ sopInstanceUid }) => sopInstanceUid));
  assert.ok(receipts.every(({ sopInstanceUid }) => known.has(sopInstanceUid)));
  assert.deepEqual(
    steps.map(({ step }) => step),
    ["segment", "encode", "write-report", "write-report", "write-report", "write-rejection-note"],
    "one report for planning, one for each after review",
  );
  // Each report holds how the result was made: every input's digest, the rule, the steps until then.
  for (const each of last.flatMap((held) => of(held, report))) {
    const record = JSON.parse(textsIn(each.json).find((text) => text.startsWith('{"resultId"'))!) as Making;
    assert.deepEqual([record.inputs, record.rule], [inputs, rule]);
    assert.equal(record.inputs.length, 20);
    assert.equal(record.steps[0]?.step, "segment");
  }
  assert.equal((await box.stop()).code, 0);
});

/** All texts anywhere in a data set. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
