import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliverySummary } from "../../../appliance/api/deliveries.ts";
import { deliveryLineOf, maySendAgain } from "../../../ui/text/delivery-states.ts";

const delivery = (more: Partial<DeliverySummary>): DeliverySummary => ({
  id: 1,
  output: "seg",
  choices: ["seg"],
  refusals: [],
  destination: "PACS",
  state: "waiting",
  paused: false,
  commitment: null,
  attempts: 0,
  reason: null,
  status: null,
  comment: null,
  triedAt: null,
  deliveredAt: null,
  ...more,
});
const reason = { code: "class-refused", message: "the peer does not take class 1.2.3" };
const refused = (output: DeliverySummary["output"]) => ({ output, reason, at: 1 });

test("what went in place of what was not taken is said, with the destination's reason", () => {
  const sent = deliveryLineOf(delivery({ state: "delivered", refusals: [refused("seg-labelmap")], status: 0 }));
  assert.equal(sent.tone, "good");
  assert.deepEqual(sent.sentences, [
    "PACS does not take SEG (label map): SEG sent instead.",
    "SEG (label map): The peer does not take class 1.2.3.",
  ]);
  const goes = deliveryLineOf(delivery({ output: "rtstruct", refusals: [refused("seg-labelmap"), refused("seg")] }));
  assert.equal(goes.sentences[0], "PACS does not take SEG (label map) and SEG: RTSTRUCT goes instead.");
});

test("where nothing of the list is taken, all of it is named", () => {
  const failed = deliveryLineOf(
    delivery({ state: "failed", output: "rtstruct", choices: ["seg", "rtstruct"], refusals: [refused("seg")], reason }),
  );
  assert.deepEqual([failed.tone, failed.sentences[0]], ["bad", "PACS takes none of SEG and RTSTRUCT."]);
});

test("what this box could not write is not laid at the destination's door", () => {
  const lost = { output: "pdf" as const, reason: { code: "output-failed", message: "a fault" }, at: 1 };
  const goes = deliveryLineOf(delivery({ output: "sr", choices: ["sr"], refusals: [lost] }));
  assert.deepEqual(goes.sentences, ["PDF report could not be written: A fault."]);
  const failed = deliveryLineOf(delivery({ state: "failed", output: "pdf", choices: ["pdf"], reason: lost.reason }));
  assert.deepEqual([failed.tone, failed.state, failed.sentences], ["bad", "not written", ["A fault."]]);
});

test("held, paused and waiting ones say what they wait for", () => {
  assert.deepEqual(deliveryLineOf(delivery({ state: "held" })), {
    tone: "warn",
    state: "held until the result is accepted",
    sentences: [],
  });
  assert.deepEqual(deliveryLineOf(delivery({ paused: true })), {
    tone: "warn",
    state: "paused",
    sentences: ["Nothing is sent to PACS until somebody resumes it."],
  });
  const waiting = deliveryLineOf(delivery({ attempts: 2, reason: { code: "peer-timeout", message: "no answer" } }));
  assert.deepEqual(waiting, { tone: "warn", state: "will be tried again (2 tries so far)", sentences: ["No answer."] });
});

test("a warning that came with the receipt is shown as the standard writes it", () => {
  const warned = deliveryLineOf(delivery({ state: "delivered", status: 0xb000, comment: "coerced" }));
  assert.deepEqual(warned.sentences, ["The destination answered B000: coerced."]);
});

test("a destination that takes no rejection notes is named, as nothing to repair, and may be asked again", () => {
  const note = delivery({ state: "withdrawn", output: "rejection-note", choices: ["rejection-note"], reason });
  assert.deepEqual(deliveryLineOf(note), {
    tone: "quiet",
    state: "not taken by the destination",
    sentences: ["PACS takes no rejection notes: what it has of this result stays there as it is.", "The peer does not take class 1.2.3."],
  });
  assert.deepEqual([note, delivery({ state: "failed" }), delivery({ state: "withdrawn" })].map(maySendAgain), [true, true, false]);
});

test("what a destination has taken and not yet committed itself to keep is told from what it has", () => {
  const taken = { state: "delivered", deliveredAt: Date.now(), status: 0 } as const;
  const stateOf = (more: Partial<DeliverySummary>) => deliveryLineOf(delivery({ ...taken, ...more }));
  assert.match(stateOf({ commitment: "asked" }).state, /^taken .+, not yet committed$/);
  assert.equal(stateOf({ commitment: "asked" }).tone, "quiet");
  assert.match(stateOf({ commitment: "committed" }).state, /^delivered and committed /);
  assert.match(stateOf({ commitment: null }).state, /^delivered (?!and)/);
  const refused = {
    code: "commitment-refused",
    message: "PACS took it, but did not commit itself to keep it: resource limitation (0213H)",
  };
  assert.deepEqual(stateOf({ state: "failed", commitment: "failed", reason: refused }).sentences, [`${refused.message}.`]);
});
