import assert from "node:assert/strict";
import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

test("copies that a PACS coerced and forwards while inference runs are kept, and change nothing", async () => {
  await using folder = await temporaryFolder("copies");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: join(folder.path, "data"), pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  const send = async (path: string) => {
    const sent = await storescu({
      port: box.dicomPort,
      callingAeTitle: "CT1",
      calledAeTitle: box.aeTitle,
      options: ["-xv"],
      paths: [path],
    });
    assert.equal(sent.code, 0, sent.stderr);
  };
  await send(exampleCt);
  await box.seriesWhen(({ results }) => results.some(({ state }) => state === "running"));

  const copies = join(folder.path, "copies");
  await mkdir(copies);
  await cp(exampleCt, copies, { recursive: true });
  const names = await readdir(copies);
  const changed = await run("dcmodify", ["-nb", "-i", "(0008,0080)=Forwarded by PACS", ...names.map((name) => join(copies, name))]);
  assert.equal(changed.code, 0, changed.stderr);
  await send(copies);

  const series = await box.seriesWhen(isDelivered);
  await sleep(1_500); // three times the quiet time: a second result would have begun
  const after = (await box.listSeries())[0]!;
  assert.deepEqual([after.state, after.instanceCount, after.results.length], ["complete", 20, 1]);
  assert.equal(series.results[0]?.id, after.results[0]?.id);
  assert.equal(pacs.storeRequests(), 2);
});
