import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliverySummary, Node, OpenDelivery } from "../../appliance/api/deliveries.ts";
import { paths } from "../../appliance/api/paths.ts";
import { startDcmqrscp, startDcmrecv, startStorescp, storescu } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, startBox } from "./box.ts";

const rtStructureSet = "1.2.840.10008.5.1.4.1.1.481.3";
const secondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

/** `pacs: SEG after SEG-LABELMAP`, in words of the interface. */
function line({ destination, output, refusals, state }: DeliverySummary): string {
  return [destination, state, output, ...refusals.map((refusal) => `not ${refusal.output}`)].join(" ");
}

test("each destination gets the first of its choices that it takes, the sender what it sent for, and a paused one nothing yet", async () => {
  await using folder = await temporaryFolder("as-taken");
  await using archive = await startDcmqrscp({ aeTitle: "ARCHIVE" });
  await using planning = await startStorescp({ aeTitle: "PLANNING", takes: [rtStructureSet] });
  await using pictures = await startDcmrecv({ aeTitle: "PICTURES", takes: [secondaryCapture] }); // rejects who proposes only others
  await using nothing = await startStorescp({ aeTitle: "NOTHING", takes: [] });
  await using scanner = await startStorescp({ aeTitle: "CT1" });
  await using later = await startStorescp({ aeTitle: "LATER" });
  const choices = ["seg-labelmap", "seg", "rtstruct", "secondary-capture"];
  await using box = await startBox({
    data: folder.path,
    quietSeconds: 0.5,
    pacs: { aeTitle: "LATER", dicomPort: later.port },
    scannerPort: scanner.port,
    nodes: [
      { name: "archive", aeTitle: "ARCHIVE", port: archive.port },
      { name: "planning", aeTitle: "PLANNING", port: planning.port },
      { name: "pictures", aeTitle: "PICTURES", port: pictures.port },
      { name: "nothing", aeTitle: "NOTHING", port: nothing.port },
    ],
    rules: [
      {
        name: "axial CT",
        model: "reference",
        outputs: ["rtstruct"],
        destinations: [
          { node: "archive", send: [choices] },
          { node: "planning", send: [choices] },
          { node: "pictures", send: [choices] },
          { node: "nothing", send: [["seg", "rtstruct"]] },
          "sender",
          { node: "pacs", send: ["seg", "rtstruct"] },
        ],
      },
      { name: "looked at first", model: "reference", outputs: ["seg"], destinations: ["pacs"], deliver: "after-acceptance" },
    ],
  });
  const paused = await run(process.execPath, [cli, "node", "pause", "pacs", "--data", folder.path]);
  assert.equal(paused.code, 0, paused.stderr);
  await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });

  const settled = ({ deliveries }: { deliveries: readonly DeliverySummary[] }): boolean =>
    deliveries.length > 0 && deliveries.every(({ state, paused }) => state !== "waiting" || paused);
  const series = await box.seriesWhen(({ results }) => results.length === 2 && results.every(settled));
  const [result, looked] = series.results;
  assert.deepEqual(result!.deliveries.map(line), [
    "archive delivered seg not seg-labelmap",
    "planning delivered rtstruct not seg-labelmap not seg",
    "pictures delivered secondary-capture not seg-labelmap not seg not rtstruct",
    "nothing failed rtstruct not seg",
    "scanner delivered rtstruct",
    "pacs waiting seg",
    "pacs waiting rtstruct",
  ]);
  assert.deepEqual(looked!.deliveries.map(line), ["pacs held seg"]);
  assert.deepEqual([result!.state, looked!.state], ["delivery-failed", "held"]);
  assert.match(result!.deliveries[0]!.refusals[0]!.reason.message, /does not take class 1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.7/);
  const requests = [planning, pictures, nothing, scanner, later].map((peer) => peer.storeRequests());
  assert.deepEqual(requests, [1, 1, 0, 1, 0]);

  // What has not arrived is in one list; what failed can be sent again one by one, and says the same once more.
  const open = await box.get<OpenDelivery[]>(`${paths.deliveries}?state=failed`);
  assert.deepEqual(open.map(line), ["nothing failed rtstruct not seg"]);
  assert.equal(await box.post(paths.retryDelivery(open[0]!.id)), 204);
  const again = await eventually(async () => {
    const failed = await box.get<OpenDelivery[]>(`${paths.deliveries}?state=failed`);
    return failed.find(({ attempts }) => attempts > open[0]!.attempts);
  });
  assert.equal(line(again), "nothing failed rtstruct not seg");
  const held = looked!.deliveries[0]!;
  assert.equal(await box.post(paths.retryDelivery(held.id)), 422, "what is held waits for acceptance, not for a wish");

  // The paused one goes on where it stopped, in order.
  assert.deepEqual(
    (await box.get<Node[]>(paths.nodes)).filter((node) => node.paused).map(({ name, waiting }) => [name, waiting]),
    [["pacs", 2]],
  );
  assert.equal(await box.post(paths.resumeNode("pacs")), 204);
  await box.seriesWhen(({ results }) => results[0]!.deliveries.every(({ state }) => state !== "waiting"));
  const stored = later.process.lines.flatMap((text) => /Received Store Request \(MsgID \d+, (\w+)\)/.exec(text)?.[1] ?? []);
  assert.deepEqual(stored, ["SG", "RS"]);
  assert.equal((await box.stop()).code, 0);
});
