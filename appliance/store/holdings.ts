import type { ResultId, SeriesId } from "../domain/ids.ts";
import type { Review } from "../domain/result.ts";
import type { HeldResult, Holding } from "../domain/retention.ts";
import type { SeriesState } from "../domain/series.ts";
import type { Database } from "./database.ts";
import { jobKeysOf } from "./job-keys.ts";

/** What the database knows of all that is here of a series; how large its results are stands in their folders. */
export type HoldingRows = Omit<Holding, "resultBytes">;

type SeriesRow = {
  readonly seriesId: SeriesId;
  readonly state: SeriesState;
  readonly lastReceivedAt: number;
  readonly settledAt: number | null;
  readonly images: number;
  readonly imageBytes: number;
  readonly isUnjudged: number;
};

const selectSeries = `select series.id as "seriesId", state, last_received_at as "lastReceivedAt", settled_at as "settledAt",
  (select count(*) from instance where series_id = series.id) as images,
  (select ifnull(sum(size_bytes), 0) from instance where series_id = series.id) as "imageBytes",
  state = 'ignored' and exists (select 1 from job where job.state = 'failed' and key in ('close-series:' || series.id, 'select:' || series.id)
    and last_error = json_extract(series.reason, '$.message')) as "isUnjudged" from series`;

export function readHolding(database: Database, seriesId: SeriesId): HoldingRows | undefined {
  const row = database.get<SeriesRow>(`${selectSeries} where series.id = ?`, seriesId);
  return row && holdingOf(database, row, openJobs(database));
}

/** Some of them, by id from the one after `after` on. */
export function listHoldings(database: Database, after: SeriesId, limit: number): HoldingRows[] {
  return database.snapshot(() => {
    const rows = database.all<SeriesRow>(`${selectSeries} where series.id > ? order by series.id limit ?`, after, limit);
    const open = openJobs(database);
    return rows.map((row) => holdingOf(database, row, open));
  });
}

/** Keys of what is being done, or waits to be. */
function openJobs(database: Database): ReadonlySet<string> {
  return new Set(database.all<{ key: string }>("select key from job where state in ('waiting', 'running')").map(({ key }) => key));
}

function holdingOf(database: Database, { isUnjudged, ...row }: SeriesRow, open: ReadonlySet<string>): HoldingRows {
  const { seriesId } = row;
  const results = resultsOf(database, seriesId);
  return { ...row, isUnjudged: isUnjudged === 1, hasOpenJobs: jobKeysOf({ seriesId, results }).some((key) => open.has(key)), results };
}

type ResultRow = Omit<HeldResult, "review" | "deliveries"> & { readonly review: string | null };

function resultsOf(database: Database, seriesId: SeriesId): HeldResult[] {
  return database
    .all<ResultRow>('select id, state, created_at as "createdAt", review from result where series_id = ? order by id', seriesId)
    .map(({ review, ...row }) => ({
      ...row,
      review: review === null ? null : (JSON.parse(review) as Review),
      deliveries: deliveriesOf(database, row.id),
    }));
}

function deliveriesOf(database: Database, resultId: ResultId): HeldResult["deliveries"] {
  return database.all(
    'select id, state, commitment, destination, delivered_at as "deliveredAt" from delivery where result_id = ? order by id',
    resultId,
  );
}
