import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { newUid } from "../dicom/uids.ts";
import type { SeriesId } from "../domain/ids.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { ResultUids } from "../domain/result.ts";
import { whyNot } from "../domain/rule.ts";
import type { Instance, Reason } from "../domain/series.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { addResult } from "../store/results.ts";
import { getSeries, inputDigest, listInstances, setSeriesState } from "../store/series.ts";
import { listRules } from "../store/settings.ts";
import type { Changes } from "./changes.ts";
import { segmentJob } from "./job-kinds.ts";

export type SelectOptions = {
  readonly database: Database;
  /** A model by name; undefined where it is not installed. */
  readonly findModel: (name: string) => ModelManifest | undefined;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
};

/** Asks every rule about a complete series: one pending result per rule that takes it, or the reasons why none does. */
export function selectStep({ database, findModel, changes, clock, log }: SelectOptions): Step {
  return {
    maxAttempts: 3,
    async run({ seriesId }: { seriesId: SeriesId }) {
      const series = getSeries(database, seriesId);
      if (series?.state !== "complete") return () => {};
      const instances = listInstances(database, seriesId);
      const rules = listRules(database);
      const candidate = {
        callingAeTitle: series.callingAeTitle,
        seriesDescription: series.description.seriesDescription,
        instances: instances.map(({ facts }) => facts),
      };
      const refusals: Reason[] = [];
      const ambiguous = ambiguity(instances);
      if (ambiguous) refusals.push(ambiguous);
      if (rules.length === 0) refusals.push({ code: "no-rules", message: "no rule is set up" });
      const taking = ambiguous
        ? []
        : rules.flatMap((rule) => {
            const model = findModel(rule.model);
            const reason =
              whyNot(rule, candidate) ?? (model ? null : { code: "model-missing", message: `model ${rule.model} is not installed` });
            if (reason)
              refusals.push({ code: reason.code, message: rules.length > 1 ? `rule ${rule.name}: ${reason.message}` : reason.message });
            return reason || !model ? [] : [{ rule, model }];
          });
      const now = clock.now();
      return () => {
        if (getSeries(database, seriesId)?.state !== "complete") return; // one more image came: the series is judged again
        for (const { rule, model } of taking) {
          const resultId = addResult(database, {
            seriesId,
            rule,
            modelName: model.name,
            modelVersion: model.version,
            inputDigest: inputDigest(instances),
            uids: mintUids(),
            createdAt: now,
          });
          if (resultId !== null) addJob(database, segmentJob(resultId, now));
        }
        if (taking.length === 0) {
          const reason = { code: refusals[0]?.code ?? "no-rule", message: refusals.map(({ message }) => message).join("; ") };
          setSeriesState(database, seriesId, "ignored", reason);
          log.info("series-ignored", { seriesId, code: reason.code });
        }
        changes.seriesChanged(seriesId);
      };
    },
    gaveUp({ seriesId }: { seriesId: SeriesId }, reason) {
      setSeriesState(database, seriesId, "ignored", reason);
      changes.seriesChanged(seriesId);
    },
  };
}

/** Two different images under one SOP Instance UID: which one is meant can't be known, and guessing could measure the wrong patient state. */
function ambiguity(instances: readonly Instance[]): Reason | null {
  const seen = new Set<string>();
  const doubled = instances.findIndex(({ sopInstanceUid }) => seen.size === seen.add(sopInstanceUid).size);
  if (doubled < 0) return null;
  return {
    code: "instances-conflict",
    message: `image ${doubled + 1} of ${instances.length} came with the SOP Instance UID of an earlier one but other content; send the series again under UIDs of its own`,
  };
}

function mintUids(): ResultUids {
  const pair = () => ({ seriesInstanceUid: newUid(), sopInstanceUid: newUid() });
  return { seg: pair(), rtstruct: pair() };
}
