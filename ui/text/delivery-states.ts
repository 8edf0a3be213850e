import type { DeliverySummary } from "../../appliance/api/deliveries.ts";
import { text } from "./en.ts";
import { formatMoment, legible } from "./format.ts";
import { sentenceOf } from "./reasons.ts";
import type { Tone } from "./series-states.ts";

export type DeliveryLine = { readonly tone: Tone; readonly state: string; readonly sentences: readonly string[] };

/** How far a delivery has come: a word or two, then what was not taken, why it waits or failed, and what the destination remarked. */
export function deliveryLineOf(delivery: DeliverySummary): DeliveryLine {
  const { state, attempts, deliveredAt, reason } = delivery;
  const because = reason ? [sentenceOf(reason)] : [];
  switch (state) {
    case "held":
      return { tone: "warn", state: text.delivery.held, sentences: [] };
    case "waiting":
      if (delivery.paused)
        return {
          tone: "warn",
          state: text.delivery.paused,
          sentences: [...notTaken(delivery), text.delivery.pausedHelp(legible(delivery.destination))],
        };
      return { tone: reason ? "warn" : "quiet", state: text.delivery.waiting(attempts), sentences: [...notTaken(delivery), ...because] };
    case "delivered": {
      const moment = deliveredAt === null ? "" : formatMoment(deliveredAt, Date.now());
      const { asked, committed, delivered } = text.delivery;
      const sentences = [...notTaken(delivery), ...remark(delivery)];
      if (delivery.commitment === "asked") return { tone: "quiet", state: asked(moment), sentences: [...sentences, ...because] };
      return { tone: "good", state: (delivery.commitment === "committed" ? committed : delivered)(moment), sentences };
    }
    case "failed":
      return {
        tone: "bad",
        state: reason?.code === notWritten ? text.delivery.notWritten : text.delivery.failed,
        sentences: [...notTaken(delivery), ...because],
      };
    case "withdrawn":
      if (isUnwantedNote(delivery))
        return {
          tone: "quiet",
          state: text.delivery.noteNotTaken,
          sentences: [text.delivery.noteHelp(legible(delivery.destination)), ...because],
        };
      return { tone: "quiet", state: text.delivery.withdrawn, sentences: because };
    default:
      return state satisfies never;
  }
}

/** Whether a person may have it sent again: what failed, and a note that its destination did not take, which may have learnt to. */
export function maySendAgain(delivery: DeliverySummary): boolean {
  return delivery.state === "failed" || isUnwantedNote(delivery);
}

function isUnwantedNote({ state, output }: DeliverySummary): boolean {
  return state === "withdrawn" && output === "rejection-note";
}

/** Code of a choice that this box could not write, which is not the destination's doing. */
const notWritten = "output-failed";

/** `PACS does not take SEG (label map): SEG sent instead`, then the reasons as the destination gave them; before that, what could not be written. */
function notTaken({ destination, output, choices, refusals: all, state, reason }: DeliverySummary): string[] {
  const t = text.delivery;
  const to = legible(destination);
  const lost = all.filter((refusal) => refusal.reason.code === notWritten);
  const unwritten = lost.map((refusal) => `${t.unwritten(text.outputs[refusal.output])}: ${sentenceOf(refusal.reason)}`);
  const refusals = all.filter((refusal) => refusal.reason.code !== notWritten);
  if (refusals.length === 0) return unwritten;
  const refused = t.and(refusals.map((refusal) => text.outputs[refusal.output]));
  const sent = text.outputs[output];
  const reasons = [...unwritten, ...refusals.map((refusal) => `${text.outputs[refusal.output]}: ${sentenceOf(refusal.reason)}`)];
  if (state === "delivered") return [`${t.fellBack(to, refused, sent)}.`, ...reasons];
  if (state === "failed" && reason?.code === "class-refused")
    return [`${t.allRefused(to, t.and(choices.map((choice) => text.outputs[choice])))}.`, ...reasons];
  return [`${t.fallsBack(to, refused, sent)}.`, ...reasons];
}

/** What the destination said beside Success. PS3.7 annex C, status as the standard writes it. */
function remark({ status, comment }: DeliverySummary): string[] {
  if (!status && !comment) return [];
  return [`${text.delivery.answer((status ?? 0).toString(16).toUpperCase().padStart(4, "0"), legible(comment ?? ""))}.`];
}
