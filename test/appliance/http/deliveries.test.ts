import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Node, OpenDelivery } from "../../../appliance/api/deliveries.ts";
import { paths } from "../../../appliance/api/paths.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { fallBack, getDelivery, noteDelivery } from "../../../appliance/store/deliveries.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, startBox } from "./box.ts";

let box: Box;
let engineer: string;
let reviewer: string;
before(async () => {
  box = await startBox();
  replaceNodesAndRules(box.database, [{ name: "PACS", aeTitle: "ORTHANC", host: "127.0.0.1", port: 4242 }], []);
  engineer = await box.signIn("engineer");
  reviewer = await box.signIn("reviewer");
});
after(() => box.close());

const slices = {
  images: {
    dims: [1, 1, 1],
    spacingMm: [1, 1, 1],
    directions: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  },
  hu: new Int16Array(1),
  labels: new Uint8Array(1),
} as const;

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${box.origin}${path}`, { headers: { cookie: reviewer } });
  assert.equal(answer.status, 200);
  return (await answer.json()) as T;
}

const post = async (path: string, cookie: string): Promise<number> =>
  (await fetch(`${box.origin}${path}`, { method: "POST", headers: { cookie, Origin: box.origin } })).status;

test("the list has what did not arrive, with whose it is and why, and can be narrowed to a state", async () => {
  const seriesId = addSeries(box, { patientName: "Roe^Richard" });
  const resultId = addPendingResult(box, seriesId);
  const [seg, rtstruct] = await addResultFiles(box, resultId, slices);
  const reason = { code: "peer-refused", message: "the peer answered C000: can't read it" };
  noteDelivery(box.database, seg, { state: "failed", reason, status: 0xc000, comment: "can't read it", at: 7 });
  const [failed, ...others] = await get<OpenDelivery[]>(`${paths.deliveries}?state=failed`);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(failed, {
    id: seg,
    resultId,
    seriesId,
    patientName: "Roe^Richard",
    rule: "every axial CT",
    destination: "PACS",
    output: "seg",
    choices: ["seg"],
    state: "failed",
    attempts: 1,
    reason,
    status: 0xc000,
    comment: "can't read it",
    triedAt: 7,
  });
  assert.deepEqual(
    (await get<OpenDelivery[]>(paths.deliveries)).map(({ id }) => id),
    [rtstruct, seg],
  );
  noteDelivery(box.database, rtstruct, { state: "delivered", reason: null, status: 0, at: 8 });
  assert.deepEqual(
    (await get<OpenDelivery[]>(paths.deliveries)).map(({ id }) => id),
    [seg],
  );
  for (const state of ["delivered", "x", ""])
    assert.equal((await fetch(`${box.origin}${paths.deliveries}?state=${state}`, { headers: { cookie: reviewer } })).status, 400, state);
});

test("an engineer sends one again, which leaves a line in the audit trail; where nothing failed it is refused and leaves none", async () => {
  const [seg, rtstruct] = await addResultFiles(box, addPendingResult(box, addSeries(box)), slices);
  noteDelivery(box.database, seg, { state: "failed", reason: { code: "peer-refused", message: "no" }, status: null, at: 7 });
  noteDelivery(box.database, rtstruct, { state: "delivered", reason: null, status: 0, at: 7 });
  assert.equal(await post(paths.retryDelivery(seg), reviewer), 403);
  assert.equal(await post(paths.retryDelivery(seg), engineer), 204);
  assert.equal(getDelivery(box.database, seg)!.state, "waiting");
  assert.equal(await post(paths.retryDelivery(rtstruct), engineer), 422);
  assert.equal(await post(paths.retryDelivery(99_999), engineer), 404);
  const retried = listAudit(box.database, 1000).filter(({ action }) => action === "delivery-retried");
  assert.deepEqual(
    retried.map(({ actor, object }) => [actor, object]),
    [["user:engineer", `delivery:${seg}`]],
  );
});

test("a node is paused and resumed by an engineer; what waits for it says so", async () => {
  const seriesId = addSeries(box);
  const [seg] = await addResultFiles(box, addPendingResult(box, seriesId), slices);
  const pausedOf = async () => (await get<OpenDelivery[]>(paths.deliveries)).find(({ id }) => id === seg)?.paused;
  assert.equal(await post(paths.pauseNode("PACS"), reviewer), 403);
  assert.equal(await pausedOf(), false);
  assert.equal(await post(paths.pauseNode("PACS"), engineer), 204);
  assert.equal(await pausedOf(), true);
  const [node] = await get<Node[]>(paths.nodes);
  assert.partialDeepStrictEqual(node, { name: "PACS", aeTitle: "ORTHANC", host: "127.0.0.1", port: 4242, paused: true });
  assert.ok(node!.waiting >= 2);
  assert.equal(await post(paths.resumeNode("PACS"), engineer), 204);
  assert.equal(await pausedOf(), false);
  assert.equal(await post(paths.pauseNode("no such"), engineer), 404);
  assert.deepEqual(
    listAudit(box.database, 1000)
      .filter(({ object }) => object === "node:PACS")
      .map(({ action }) => action),
    ["node-resumed", "node-paused"],
  );
});

test("what a destination did not take stays visible beside what went instead", async () => {
  const [seg] = await addResultFiles(box, addPendingResult(box, addSeries(box)), slices);
  box.database.run(`update delivery set choices = '["seg-labelmap","seg"]' where id = ?`, seg);
  const reason = { code: "class-refused", message: "the peer does not take class 1.2" };
  fallBack(box.database, getDelivery(box.database, seg)!, { output: "seg-labelmap", reason, status: null, at: 3 });
  const open = (await get<OpenDelivery[]>(paths.deliveries)).find(({ id }) => id === seg);
  assert.partialDeepStrictEqual(open, { output: "seg", choices: ["seg-labelmap", "seg"] });
  assert.deepEqual(open?.refusals, [{ output: "seg-labelmap", reason, at: 3 }]);
});
