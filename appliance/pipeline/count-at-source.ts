import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { find } from "../dimse/find.ts";
import type { TlsIdentity } from "../dimse/tls.ts";
import type { AeTitle, SeriesId } from "../domain/ids.ts";
import { offers, type RemoteNode } from "../domain/remote-node.ts";
import type { Series } from "../domain/series.ts";
import type { Step } from "../jobs/runner.ts";
import { countInstances, setSourceCount } from "../store/completions.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { getSeries } from "../store/series.ts";
import { listNodes } from "../store/settings.ts";
import { closeSeriesJob } from "./job-kinds.ts";

export type CountOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly callingAeTitle: AeTitle;
  readonly tls: () => TlsIdentity | undefined;
};

/** A series with more images is one whose node should say their number itself. */
const mostInstances = 20_000;

/** The node that a series comes from, where it answers queries; none where several that do have its AE title. */
export function sourceOf(database: Database, callingAeTitle: string): RemoteNode | undefined {
  const [node, ...others] = listNodes(database).filter((each) => each.aeTitle === callingAeTitle && offers(each, "find"));
  return node && others.every(({ host, port }) => host === node.host && port === node.port) ? node : undefined;
}

/**
 * Asks the node that a series comes from how many instances it has of it. When they are all here the series is looked at, at once. A node that
 * does not answer is no failure: the quiet time decides then.
 */
export function countAtSourceStep({ database, clock, log, callingAeTitle, tls }: CountOptions): Step {
  return {
    maxAttempts: 1,
    async run({ seriesId }: { seriesId: SeriesId }, { signal }) {
      const series = getSeries(database, seriesId);
      const node = series?.state === "receiving" ? sourceOf(database, series.callingAeTitle) : undefined;
      if (!series || !node) return () => {};
      const countedAt = clock.now(); // what comes during the query is not in its answer
      let count: number;
      try {
        count = await countAt(node, series, callingAeTitle, signal, tls());
      } catch (error) {
        if (!(error instanceof RefusedError || error instanceof UnavailableError)) throw error;
        signal.throwIfAborted();
        log.warn("source-not-counted", { seriesId, node: node.name, code: error.code, message: error.message });
        return () => {};
      }
      log.info("source-counted", { seriesId, node: node.name, count });
      return () => {
        setSourceCount(database, seriesId, { node: node.name, count, countedAt });
        if (count > 0 && countInstances(database, seriesId) >= count) addJob(database, closeSeriesJob(seriesId, clock.now()));
      };
    },
    gaveUp: () => {},
  };
}

/** Number of Series Related Instances as the node says it, else its instances counted. */
async function countAt(
  node: RemoteNode,
  { studyInstanceUid, seriesInstanceUid }: Series,
  callingAeTitle: AeTitle,
  signal: AbortSignal,
  tls: TlsIdentity | undefined,
): Promise<number> {
  const keys = { studyInstanceUid, seriesInstanceUid };
  const [series] = (await find(node, callingAeTitle, { level: "series", keys }, { signal, tls })).matches;
  if (!series) return 0;
  const said = series.numberOfSeriesRelatedInstances ?? "";
  if (/^\d{1,9}$/.test(said.trim())) return Number(said);
  return (await find(node, callingAeTitle, { level: "image", keys }, { signal, tls, mostMatches: mostInstances })).matches.length;
}
