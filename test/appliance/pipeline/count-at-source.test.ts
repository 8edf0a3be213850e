import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readInstanceHeader } from "../../../appliance/dicom/instance-header.ts";
import { storeFiles } from "../../../appliance/dimse/scu.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { associationEnded } from "../../../appliance/pipeline/close-series.ts";
import { sourceOf } from "../../../appliance/pipeline/count-at-source.ts";
import { listCompletions } from "../../../appliance/store/completions.ts";
import { addInstance, getSeries } from "../../../appliance/store/series.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { arrival } from "../../make/database.ts";
import { startDcmqrscp } from "../../peers/dcmtk.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { freePort } from "../../peers/ports.ts";
import { exampleCt, storeFile } from "../dimse/files.ts";
import { pipelineSteps } from "./steps.ts";

const images = exampleCt.slice(0, 3);
const { seriesInstanceUid, studyInstanceUid } = readInstanceHeader(readFileSync(images[0]!));
const nodeAt = (aeTitle: string, port: number): RemoteNode => ({ name: "pacs", aeTitle, host: "127.0.0.1", port, services: ["find"] });

/** The first images of the example CT as they came from a node. */
function received(database: Parameters<typeof addInstance>[0], count: number, callingAeTitle: string): number {
  for (let n = 1; n <= count; n++)
    addInstance(database, { ...arrival(n, { series: seriesInstanceUid, at: 90_000 + n }), studyInstanceUid, callingAeTitle });
  return 1;
}

test("a series is complete at once when as many images came as its source has, whether that says their number or lists them", async () => {
  await using orthanc = await startOrthanc({ modalities: { segbox: { aeTitle: "SEGBOX", port: 104 } } });
  await using archive = await startDcmqrscp({ options: ["+xv"] });
  for (const node of [nodeAt("PACS", orthanc.dicomPort), nodeAt(archive.aeTitle, archive.port)]) {
    await storeFiles(node, "SEGBOX", images.map(storeFile));
    await using box = await pipelineSteps({ quietMs: 3_600_000 });
    replaceNodesAndRules(box.database, [node], []);
    const seriesId = received(box.database, 2, node.aeTitle);
    box.open.brought(1, seriesId);
    associationEnded(1, box);
    assert.deepEqual(
      box.waiting().map(({ key, run_at }) => [key, run_at - box.at.now]),
      [
        [`close-series:${seriesId}`, 1_700_001 + 90_000],
        [`count-at-source:${seriesId}`, 0],
      ],
    );
    await box.run("count-at-source", { seriesId });
    assert.partialDeepStrictEqual(getSeries(box.database, seriesId), { state: "receiving", source: { node: "pacs", count: 3 } });
    received(box.database, 3, node.aeTitle);
    await box.run("count-at-source", { seriesId });
    assert.equal(box.waiting().find(({ key }) => key === `close-series:${seriesId}`)?.run_at, box.at.now);
    await box.run("close-series", { seriesId });
    assert.equal(getSeries(box.database, seriesId)?.state, "complete");
    assert.deepEqual(listCompletions(box.database, seriesId), [
      { how: "source", instances: 3, expected: 3, saidBy: "pacs", waitedMs: null, at: box.at.now },
    ]);
  }
});

test("a source that does not answer, or has nothing, leaves it to the quiet time", async () => {
  await using box = await pipelineSteps();
  replaceNodesAndRules(box.database, [nodeAt("PACS", await freePort())], []);
  const seriesId = received(box.database, 2, "PACS");
  await box.run("count-at-source", { seriesId });
  await using empty = await startDcmqrscp();
  replaceNodesAndRules(box.database, [nodeAt("PACS", empty.port)], []);
  await box.run("count-at-source", { seriesId });
  assert.deepEqual(box.waiting(), []);
  box.at.now += 10_000;
  await box.run("close-series", { seriesId });
  assert.partialDeepStrictEqual(listCompletions(box.database, seriesId), [{ how: "quiet", instances: 2, waitedMs: 10_000 }]);
});

test("images that keep coming are taken as they are after the limit", async () => {
  await using box = await pipelineSteps({ forceMs: 60_000 });
  const seriesId = received(box.database, 2, "CT1"); // the first came at 90 001
  box.open.brought(1, seriesId);
  box.at.now = 145_000;
  assert.equal(await box.run("close-series", { seriesId }), 150_001, "the limit comes before the quiet time is over");
  box.at.now = 150_001;
  await box.run("close-series", { seriesId });
  assert.partialDeepStrictEqual(listCompletions(box.database, seriesId), [{ how: "forced", instances: 2, waitedMs: 60_000 }]);
});

test("the source of a series is the one node of its sender's AE title that answers queries", async () => {
  await using box = await pipelineSteps();
  const named = (name: string, port: number, services: RemoteNode["services"]) => ({ ...nodeAt("PACS", port), name, services });
  const sourceAmong = (...nodes: RemoteNode[]) => {
    replaceNodesAndRules(box.database, nodes, []);
    return sourceOf(box.database, "PACS")?.name;
  };
  assert.equal(sourceAmong(named("a", 1, ["store"])), undefined);
  assert.equal(sourceAmong(named("a", 1, ["store"]), named("b", 2, ["find"])), "b");
  assert.equal(sourceAmong(named("a", 1, ["find"]), named("b", 1, ["find", "get"])), "a");
  assert.equal(sourceAmong(named("a", 1, ["find"]), named("b", 2, ["find"])), undefined);
});
