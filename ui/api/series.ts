import type { LiveEvent } from "../../appliance/api/events.ts";
import { paths } from "../../appliance/api/paths.ts";
import type { ReviewRequest } from "../../appliance/api/review.ts";
import type { ResultSummary, SeriesDetail, SeriesSummary } from "../../appliance/api/series.ts";
import { getBytes, getJson, send } from "./client.ts";

/** As many as the box sends at once; fewer mean that there are no older ones. */
export const pageSize = 500;

/** The newest, or those before the one with the id `before`. */
export function listSeries(before?: number, signal?: AbortSignal): Promise<SeriesSummary[]> {
  return getJson(before === undefined ? paths.seriesList : `${paths.seriesList}?before=${before}`, signal);
}

export function readSeries(id: number, signal?: AbortSignal): Promise<SeriesDetail> {
  return getJson(paths.series(id), signal);
}

export function readSlice(resultId: number, k: number, signal: AbortSignal): Promise<ArrayBuffer> {
  return getBytes(paths.slice(resultId, k), signal);
}

export async function retryResult(resultId: number): Promise<void> {
  await send("POST", paths.retry(resultId));
}

export async function reviewResult(resultId: number, request: ReviewRequest): Promise<void> {
  await send("POST", paths.review(resultId), request);
}

/** The list as it is after an event, newest first. One that is older than all that were fetched stays out until it is fetched. */
export function applyEvent(list: readonly SeriesSummary[], event: LiveEvent, hasOlder: boolean): readonly SeriesSummary[] {
  if (event.kind === "progress")
    return list.map((series) => (series.id === event.seriesId ? { ...series, results: withProgress(series.results, event) } : series));
  const { series } = event;
  if (list.some(({ id }) => id === series.id)) return list.map((old) => (old.id === series.id ? series : old));
  const at = list.findIndex(({ id }) => id < series.id);
  if (at < 0) return hasOlder ? list : [...list, series];
  return list.toSpliced(at, 0, series);
}

/** The detail as it is after an event; `isStale` when there is more to it than the event tells and it should be fetched again. */
export function applyEventToDetail(detail: SeriesDetail, event: LiveEvent): { detail: SeriesDetail; isStale: boolean } {
  if (event.kind === "progress") {
    if (event.seriesId !== detail.id) return { detail, isStale: false };
    return {
      detail: {
        ...detail,
        results: withProgress(detail.results, event),
        resultDetails: withProgress(detail.resultDetails, event),
      },
      isStale: false,
    };
  }
  const { series } = event;
  if (series.id !== detail.id) return { detail, isStale: false };
  const resultDetails = detail.resultDetails.map((old) => ({ ...old, ...series.results.find(({ id }) => id === old.id) }));
  const isStale =
    series.results.some(({ id }) => !detail.resultDetails.some((known) => known.id === id)) ||
    resultDetails.some(({ structures, state }) => !structures && !["waiting", "running", "failed", "superseded"].includes(state)) ||
    resultDetails.some(({ state }, at) => detail.resultDetails[at]?.state === "encoding" && state !== "encoding"); // its files are written
  return { detail: { ...detail, ...series, resultDetails }, isStale };
}

function withProgress<R extends ResultSummary>(results: readonly R[], { resultId, progress }: { resultId: number; progress: number }): R[] {
  return results.map((result) =>
    result.id === resultId && (result.state === "waiting" || result.state === "running")
      ? { ...result, state: "running", progress }
      : result,
  );
}
