import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Node } from "../../appliance/api/deliveries.ts";
import type { PullSummary } from "../../appliance/api/nodes.ts";
import { paths } from "../../appliance/api/paths.ts";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, startBox } from "./box.ts";

test("a study is found at the PACS and fetched by C-GET, and where that is not offered by C-MOVE", async () => {
  await using folder = await temporaryFolder("fetched");
  await using orthanc = await startOrthanc();
  const images = (await readdir(exampleCt)).sort().map((name) => join(exampleCt, name));
  const files = await Promise.all(images.map(async (path) => ({ path, ...readFileMeta(await readFile(path)) })));
  await storeFiles({ name: "pacs", aeTitle: orthanc.aeTitle, host: "127.0.0.1", port: orthanc.dicomPort }, "CT1", files);
  const { studyInstanceUid, seriesInstanceUid } = readInstanceHeader(await readFile(images[0]!));
  await using box = await startBox({
    data: folder.path,
    pacs: orthanc,
    quietSeconds: 3600, // what comes is known to be all without it
    minimumSlices: 100, // received and looked at is enough here
    nodes: [{ name: "archive", aeTitle: orthanc.aeTitle, port: orthanc.dicomPort, services: ["echo", "find", "move"] }],
  });
  await orthanc.call("PUT", "/modalities/segbox", { AET: "SEGBOX", Host: "127.0.0.1", Port: box.dicomPort });
  const segbox = (...args: string[]) => run(process.execPath, [cli, "node", ...args, "--data", folder.path]);

  const refused = await segbox("find", "pacs");
  assert.match(refused.stderr, /^segbox: pacs is not used for find: test it first, or name its `services`/);
  const tested = await segbox("test", "pacs");
  assert.match(tested.stdout, /answered in \d+ ms; takes echo, store, find, move, get, commitment\n$/);
  const found = await segbox("find", "pacs", "--study", studyInstanceUid, "--series");
  assert.match(found.stdout, new RegExp(`^.*  CT  .*  20  ${seriesInstanceUid}\n$`));

  const pulled = await segbox("pull", "pacs", studyInstanceUid);
  assert.deepEqual([pulled.code, pulled.stdout, pulled.stderr], [0, "20 images came from pacs by c-get\n", ""]);
  const series = await box.seriesWhen(({ state }) => state === "ignored", 30_000);
  assert.deepEqual([series.instanceCount, series.callingAeTitle, series.reason?.code], [20, "PACS", "too-few-slices"]);

  const { completions } = await box.seriesDetail(series.id);
  assert.deepEqual(
    completions.map(({ how, instances, expected, saidBy }) => [how, instances, expected, saidBy]),
    [["source", 20, 20, "archive"]],
  );

  const moved = await segbox("pull", "archive", studyInstanceUid, "--series", seriesInstanceUid);
  assert.equal(moved.stdout, "20 images came from archive by c-move\n", moved.stderr);
  await eventually(async () => ((await box.listSeries())[0]!.lastReceivedAt > series.lastReceivedAt ? true : undefined));

  assert.equal(await box.post(paths.pullFromNode("pacs"), { studyInstanceUid: "1.2.3" }), 202);
  const nothing = await eventually(async () =>
    (await box.get<PullSummary[]>(paths.pulls)).find(({ id, state }) => id === 3 && state === "failed"),
  );
  assert.deepEqual([nothing.reason?.code, nothing.askedBy], ["retrieve-refused", "user:tester"]);
  const nodes = await box.get<Node[]>(paths.nodes);
  assert.deepEqual(
    nodes.map(({ name, services, found }) => `${name}: ${services.join(" ")}; ${found?.services.join(" ")}`),
    [
      "archive: echo find move; undefined",
      "pacs: echo store find move get; echo store find move get commitment",
      "scanner: echo store; undefined",
    ],
  );
});
