import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { SeriesId } from "../domain/ids.ts";
import type { ModelManifest } from "../domain/model.ts";
import { whyNot } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { addResult } from "../store/results.ts";
import { getSeries, inputDigest, listInstances, setSeriesState } from "../store/series.ts";
import { listRules } from "../store/settings.ts";
import type { Changes } from "./changes.ts";
import { segmentJob } from "./job-kinds.ts";
import { mintUids } from "./outputs.ts";

export type SelectOptions = {
  readonly database: Database;
  /** A model by name as it is installed just now; undefined where it is not. */
  readonly readModel: (name: string) => Promise<ModelManifest | undefined>;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
};

/** Asks every rule about a complete series: one pending result per rule that takes it, or the reasons why none does. */
export function selectStep({ database, readModel, changes, clock, log }: SelectOptions): Step {
  return {
    maxAttempts: 3,
    async run({ seriesId }: { seriesId: SeriesId }) {
      const series = getSeries(database, seriesId);
      if (series?.state !== "complete") return () => {};
      const instances = listInstances(database, seriesId);
      const rules = listRules(database);
      const models = new Map(
        await Promise.all([...new Set(rules.map(({ model }) => model))].map(async (name) => [name, await readModel(name)] as const)),
      );
      const candidate = {
        callingAeTitle: series.callingAeTitle,
        calledAeTitle: series.calledAeTitle,
        seriesDescription: series.description.seriesDescription,
        instances: [...new Map(instances.map(({ sopInstanceUid, facts }) => [sopInstanceUid, facts])).values()],
      };
      const refusals: Reason[] = [];
      if (rules.length === 0) refusals.push({ code: "no-rules", message: "no rule is set up" });
      const taking = rules.flatMap((rule) => {
        const model = models.get(rule.model);
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
            inputs: instances.map(({ sopInstanceUid, transferSyntaxUid, digest, receivedAt }) => ({
              sopInstanceUid,
              transferSyntaxUid,
              sha256: digest,
              receivedAt,
            })),
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
