import type { ResultSummary, SeriesSummary } from "../../appliance/api/series.ts";
import { text } from "./en.ts";
import { legible } from "./format.ts";

export type Tone = "quiet" | "busy" | "good" | "warn" | "bad";
/** One line about how far a series, or one of its results, has come. `progress` 0..1, null where it can't be told. */
export type StateLine = { readonly tone: Tone; readonly text: string; readonly progress: number | null };

/** What the worklist says about a series: its own state while it matters, else one line per result that still counts. */
export function stateLinesOf(series: SeriesSummary): StateLine[] {
  const lines = progressLinesOf(series);
  if (series.differingCopies > 0) lines.push({ tone: "warn", text: text.state.differingCopies(series.differingCopies), progress: null });
  return lines;
}

function progressLinesOf(series: SeriesSummary): StateLine[] {
  const t = text.state;
  const results = series.results.filter(({ state }) => state !== "superseded");
  switch (series.state) {
    case "receiving":
      return [{ tone: "busy", text: t.receiving(series.instanceCount), progress: null }, ...results.map(lineOf)];
    case "ignored":
      return [{ tone: "quiet", text: withReason(t.ignored, series.reason), progress: null }, ...results.map(lineOf)];
    case "complete":
      return results.length > 0 ? results.map(lineOf) : [{ tone: "busy", text: t.selecting, progress: null }];
    default:
      return series.state satisfies never;
  }
}

function lineOf(result: ResultSummary): StateLine {
  const t = text.state;
  const { progress, reason, deliveries } = result;
  switch (result.state) {
    case "waiting":
      return { tone: "quiet", text: t.waiting, progress: null };
    case "running":
      return { tone: "busy", text: t.running(progress), progress };
    case "encoding":
      return { tone: "busy", text: t.encoding, progress: null };
    case "delivering": {
      const held = deliveries.find((delivery) => delivery.state === "waiting" && delivery.reason);
      return { tone: held ? "warn" : "busy", text: withReason(t.delivering, held?.reason ?? null), progress: null };
    }
    case "held":
      return { tone: "warn", text: t.held, progress: null };
    case "delivered":
      return { tone: "good", text: t.delivered([...new Set(deliveries.map(({ destination }) => destination))]), progress: null };
    case "delivery-failed": {
      const refused = deliveries.find((delivery) => delivery.state === "failed");
      return { tone: "bad", text: withReason(t["delivery-failed"], refused?.reason ?? null), progress: null };
    }
    case "done":
      return { tone: "good", text: t.done, progress: null };
    case "failed":
      return { tone: "bad", text: withReason(t.failed, reason), progress: null };
    case "rejected":
      return { tone: "bad", text: t.rejected, progress: null };
    case "superseded":
      return { tone: "quiet", text: t.superseded, progress: null };
    default:
      return result.state satisfies never;
  }
}

function withReason(state: string, reason: SeriesSummary["reason"]): string {
  if (!reason) return state;
  return text.state.because(state, legible(reason.message).replace(/\.$/, ""));
}
