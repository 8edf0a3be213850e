import assert from "node:assert/strict";
import { test } from "node:test";
import type { Destination, Rule } from "../../../appliance/domain/rule.ts";
import { pauseNode, planDeliveries, releaseHeld, retryDelivery } from "../../../appliance/pipeline/outbox.ts";
import { addDelivery, getDelivery, listDeliveries, noteDelivery } from "../../../appliance/store/deliveries.ts";
import { addResult, getResult } from "../../../appliance/store/results.ts";
import { listPausedNodes, replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { addSeries, axialRule, newResult, temporaryDatabase } from "../../make/database.ts";

/** A result of a rule with these destinations, of a series that CT1 sent. */
async function resultFor(destinations: readonly Destination[], rule: Partial<Rule> = {}) {
  const made = await temporaryDatabase();
  const { database } = made;
  const id = addResult(database, newResult(addSeries(database, 1), "d1", { rule: { ...axialRule, ...rule, destinations } }))!;
  const jobs = () => database.all<{ key: string }>("select key from job where state = 'waiting' order by id").map(({ key }) => key);
  const lines = () => listDeliveries(database, id).map(({ destination, choices, state }) => `${destination} ${state} ${choices.join(">")}`);
  return { ...made, id, result: getResult(database, id)!, jobs, lines, [Symbol.asyncDispose]: made[Symbol.asyncDispose] };
}

const node = (name: string, aeTitle: string) => ({ name, aeTitle, host: "127.0.0.1", port: 1 });

test("each destination gets its objects in order, by its choices as far as they were written", async () => {
  await using made = await resultFor(["pacs", { node: "archive", send: [["seg-labelmap", "seg", "sr"], "sr", "pdf"] }]);
  assert.equal(planDeliveries(made.database, made.result, ["seg", "rtstruct", "sr"], 5), 4);
  assert.deepEqual(made.lines(), ["pacs waiting seg", "pacs waiting rtstruct", "archive waiting seg>sr", "archive waiting sr"]);
  assert.equal(made.jobs().length, 4);
});

test("what could not be written goes by its next choice, or is set aside with the reason; the rest goes out", async () => {
  await using made = await resultFor([{ node: "archive", send: [["pdf", "sr"], "seg", "pdf"] }]);
  const failed = [{ output: "pdf", reason: { code: "fault", message: "a fault" } }] as const;
  assert.equal(planDeliveries(made.database, made.result, ["seg", "sr"], 5, failed), 3);
  assert.deepEqual(made.lines(), ["archive waiting seg", "archive failed pdf", "archive waiting sr"]);
  assert.equal(made.jobs().length, 2);
  const [, lost, next] = listDeliveries(made.database, made.id);
  const reason = { code: "output-failed", message: "a fault" };
  assert.deepEqual(next!.refusals, [{ output: "pdf", reason, status: null, at: 5 }]);
  assert.deepEqual(lost!.reason, reason);
});

test("a report goes after whatever it may refer to", async () => {
  await using made = await resultFor([{ node: "archive", send: ["sr", ["pdf", "sr"], ["seg-labelmap", "seg"]] }]);
  planDeliveries(made.database, made.result, ["seg", "seg-labelmap", "sr", "pdf"], 5);
  assert.deepEqual(made.lines(), ["archive waiting seg-labelmap>seg", "archive waiting pdf>sr", "archive waiting sr"]);
});

test("planning again after a crash plans nothing twice", async () => {
  await using made = await resultFor(["pacs"]);
  planDeliveries(made.database, made.result, ["seg"], 5);
  planDeliveries(made.database, made.result, ["seg"], 6);
  assert.deepEqual([made.lines().length, made.jobs().length], [1, 1]);
});

test("the sender's deliveries stand under its own name, and it gets nothing twice that it gets by name", async () => {
  await using made = await resultFor(["sender", "scanner"]);
  replaceNodesAndRules(made.database, [node("scanner", "CT1"), node("pacs", "PACS")], []);
  planDeliveries(made.database, made.result, ["seg"], 5);
  assert.deepEqual(made.lines(), ["scanner waiting seg"]);
});

test("deliveries of a rule that waits for acceptance are held, until the result is released, once", async () => {
  await using made = await resultFor(["pacs"], { deliver: "after-acceptance" });
  const { database, id } = made;
  planDeliveries(database, made.result, ["seg", "rtstruct"], 5);
  assert.deepEqual([made.lines(), made.jobs()], [["pacs held seg", "pacs held rtstruct"], []]);
  assert.throws(() => retryDelivery(database, 1, 6), { code: "delivery-held" });
  assert.equal(releaseHeld(database, id, 7), 2);
  assert.deepEqual(
    [made.lines(), made.jobs()],
    [
      ["pacs waiting seg", "pacs waiting rtstruct"],
      ["deliver:1", "deliver:2"],
    ],
  );
  assert.equal(releaseHeld(database, id, 8), 0);
});

test("a failed delivery is sent again by itself, a delivered one not", async () => {
  await using made = await resultFor([]);
  const { database, id } = made;
  const add = (choices: ["seg"] | ["sr"]) => addDelivery(database, { resultId: id, destination: "pacs", choices, state: "waiting" });
  const [failed, delivered] = [add(["seg"]), add(["sr"])];
  noteDelivery(database, failed, { state: "failed", reason: { code: "peer-refused", message: "C000" }, status: null, at: 1 });
  noteDelivery(database, delivered, { state: "delivered", reason: null, status: 0, at: 1 });
  retryDelivery(database, failed, 9);
  assert.equal(getDelivery(database, failed)!.state, "waiting");
  assert.throws(() => retryDelivery(database, delivered, 9), { code: "delivery-settled" });
  assert.throws(() => retryDelivery(database, 99, 9), { code: "not-found" });
  assert.deepEqual(made.jobs(), [`deliver:${failed}`]);
});

test("a pause outlasts another site file, and a node that there is not can't be paused", async () => {
  await using made = await resultFor([]);
  const { database } = made;
  replaceNodesAndRules(database, [node("pacs", "PACS")], []);
  pauseNode(database, "pacs", true, 1);
  replaceNodesAndRules(database, [node("pacs", "PACS2"), node("archive", "A")], []);
  assert.deepEqual(listPausedNodes(database), ["pacs"]);
  assert.throws(() => pauseNode(database, "pcas", true, 1), { code: "not-found", message: /known: archive, pacs/ });
});
