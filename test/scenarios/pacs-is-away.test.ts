import assert from "node:assert/strict";
import { test } from "node:test";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { freePort } from "../peers/ports.ts";
import { exampleCt, isDelivered, startBox } from "./box.ts";

test("a PACS that is away keeps the result waiting, across a restart, and gets it when it is back", async () => {
  await using folder = await temporaryFolder("pacs-away");
  const port = await freePort();
  const nowhere = { aeTitle: "PACS", dicomPort: port };
  {
    await using box = await startBox({ data: folder.path, pacs: nowhere, quietSeconds: 0.5 });
    await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
    const series = await box.seriesWhen(({ results }) => results.some(({ deliveries }) => deliveries.some(({ attempts }) => attempts > 0)));
    const [delivery] = series.results[0]!.deliveries;
    assert.equal(delivery?.state, "waiting");
    assert.match(delivery.reason?.message ?? "", /refused|reach|connect/i);
    assert.equal((await box.stop()).code, 0);
  }
  await using pacs = await startStorescp({ aeTitle: "PACS", port });
  await using box = await startBox({ data: folder.path, pacs: nowhere, quietSeconds: 0.5 });
  await box.seriesWhen(isDelivered);
  assert.equal((await pacs.files()).length, 2);
  assert.equal(pacs.storeRequests(), 2);
});
