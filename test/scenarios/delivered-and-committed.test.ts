import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { paths } from "../../appliance/api/paths.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";
import type { Provenance } from "../../appliance/pipeline/provenance.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { freePort } from "../peers/ports.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

test("a result is delivered only when the PACS has committed itself to keep it, also where its answer got lost and the service ended meanwhile", async () => {
  await using folder = await temporaryFolder("committed");
  await using orthanc = await startOrthanc({ modalities: { segbox: { aeTitle: "SEGBOX", port: await freePort() } } }); // where nobody listens
  const options = {
    data: folder.path,
    pacs: orthanc,
    quietSeconds: 0.5,
    nodes: [{ name: "archive", aeTitle: orthanc.aeTitle, port: orthanc.dicomPort, services: ["store", "commitment"] }],
    rules: [{ name: "axial CT", model: "reference", outputs: ["seg"], destinations: ["archive"] }],
    dicom: { commitmentMinutes: 0.1 },
  };
  const first = await startBox(options);
  const files = await Promise.all(
    (await readdir(exampleCt)).map(async (name) => ({
      path: join(exampleCt, name),
      ...readFileMeta(await readFile(join(exampleCt, name))),
    })),
  );
  await storeFiles({ name: "box", aeTitle: "SEGBOX", host: "127.0.0.1", port: first.dicomPort }, "CT1", files);
  const taken = await first.seriesWhen(({ results }) =>
    results.some(({ deliveries }) => deliveries.some(({ state }) => state === "delivered")),
  );
  assert.deepEqual(
    taken.results.map(({ state, deliveries }) => [state, deliveries.map(({ commitment }) => commitment)]),
    [["delivering", ["asked"]]],
  );
  await first.killHard();

  await using second = await startBox(options);
  await orthanc.call("PUT", "/modalities/segbox", { AET: "SEGBOX", Host: "127.0.0.1", Port: second.dicomPort });
  const series = await second.seriesWhen(isDelivered, 60_000);
  assert.deepEqual(
    series.results.flatMap(({ deliveries }) => deliveries.map(({ commitment }) => commitment)),
    ["committed"],
  );
  const { receipts } = await second.get<Provenance>(paths.resultFile(series.results[0]!.id, "provenance.json"));
  assert.deepEqual(
    receipts.map(({ service, aeTitle }) => [service, aeTitle]),
    [
      ["c-store", "PACS"],
      ["storage-commitment", "PACS"],
    ],
  );
});
