import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RefusedCaller } from "../../../appliance/api/callers.ts";
import { paths } from "../../../appliance/api/paths.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { addRefusals, listRefusedCallers } from "../../../appliance/store/refused-callers.ts";
import { listNodes } from "../../../appliance/store/settings.ts";
import { type Box, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

const refusal = { calledAeTitle: "SEGBOX", address: "10.0.0.9", detail: "", count: 1 };
const notKnown = { ...refusal, reason: "calling-ae-not-recognized" };

async function post(path: string, role: string): Promise<number> {
  const headers = { cookie: await box.signIn(role), Origin: box.origin };
  return (await fetch(`${box.origin}${path}`, { method: "POST", headers })).status;
}

async function callers(): Promise<RefusedCaller[]> {
  return (await (await fetch(box.origin + paths.callers, { headers: { cookie: await box.signIn("reviewer") } })).json()) as RefusedCaller[];
}

test("refused callers are listed, the latest first, with whether adding them would help", async () => {
  addRefusals(box.database, [
    { ...notKnown, callingAeTitle: "CT1", at: 1 },
    { ...refusal, callingAeTitle: "CT2", reason: "called-ae-not-recognized", at: 2 },
    { ...refusal, callingAeTitle: "", calledAeTitle: "", reason: "tls-failed", at: 3 },
    { ...notKnown, callingAeTitle: "A\\B", at: 4 },
  ]);
  assert.deepEqual(
    (await callers()).map(({ callingAeTitle, canBeAdded }) => [callingAeTitle, canBeAdded]),
    [
      ["A\\B", false],
      ["", false],
      ["CT2", false],
      ["CT1", true],
    ],
  );
});

test("one click makes a caller a node, is noted, and forgets what was refused; only who may change it may", async () => {
  const [known] = listRefusedCallers(box.database).filter(({ callingAeTitle }) => callingAeTitle === "CT1");
  assert.equal(await post(paths.addCaller(known!.id), "reviewer"), 403);
  assert.equal(await post(paths.addCaller(known!.id), "engineer"), 204);
  assert.deepEqual(listNodes(box.database), [{ name: "CT1", aeTitle: "CT1", host: "10.0.0.9", port: 104 }]);
  assert.partialDeepStrictEqual(listAudit(box.database, 1), [{ actor: "user:engineer", action: "node-added", object: "node:CT1" }]);
  assert.equal((await callers()).length, 3);
  assert.equal(await post(paths.addCaller(known!.id), "engineer"), 404);
});

test("a title that is there already from elsewhere becomes a second node, and what adding would not let in is refused", async () => {
  addRefusals(box.database, [{ ...notKnown, callingAeTitle: "CT1", address: "fd00::9", detail: "address-not-known", at: 9 }]);
  const [again, ...others] = listRefusedCallers(box.database);
  assert.equal(await post(paths.addCaller(again!.id), "admin"), 204);
  assert.deepEqual(
    listNodes(box.database).map(({ name, host }) => [name, host]),
    [
      ["CT1", "10.0.0.9"],
      ["CT1 fd00..9", "fd00::9"],
    ],
  );
  for (const { id } of others) assert.equal(await post(paths.addCaller(id), "admin"), 422);
});
