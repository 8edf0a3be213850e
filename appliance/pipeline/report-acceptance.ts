import type { ResultId } from "../domain/ids.ts";
import { outputsOf } from "../domain/rule.ts";
import type { Step } from "../jobs/runner.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { getResult } from "../store/results.ts";
import { type EncodeOptions, writeObjects } from "./encode.ts";
import { releaseHeld } from "./outbox.ts";
import { supersedeEarlier } from "./review.ts";

/**
 * Lets an accepted result go. Its report is written again before, under the same UID, to say that it was accepted: nothing of the result has
 * left. Where something has, the report stays as it was sent.
 */
export function reportAcceptanceStep(options: EncodeOptions): Step {
  const { database, changes, clock, log } = options;
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      if (result?.review?.verdict !== "accepted") return () => {}; // rejected meanwhile
      const deliveries = listDeliveries(database, resultId);
      const isAllHere = deliveries.length > 0 && deliveries.every(({ state }) => state === "held");
      if (isAllHere && outputsOf(result.rule).includes("sr")) await writeObjects(result, options, signal);
      return () => {
        if (getResult(database, resultId)?.review?.verdict !== "accepted") return;
        supersedeEarlier(database, result, clock.now());
        releaseHeld(database, resultId, clock.now());
        changes.seriesChanged(result.seriesId);
      };
    },
    /** The report could not be written again: the objects go as they are, since somebody waits for them. */
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      const result = getResult(database, resultId);
      if (result?.review?.verdict !== "accepted") return;
      log.error("report-not-renewed", { resultId, code: reason.code });
      supersedeEarlier(database, result, clock.now());
      releaseHeld(database, resultId, clock.now());
      changes.seriesChanged(result.seriesId);
    },
  };
}
