import type { ResultId, SeriesId } from "../domain/ids.ts";
import type { ResultState } from "../domain/result.ts";
import type { ResultOutput } from "../domain/rule.ts";
import type { Database } from "./database.ts";

/** An image's row, so far as it tells of its file. */
export type FileRow = {
  readonly id: number;
  readonly seriesId: SeriesId;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly isMissing: 0 | 1;
};

/** Some of them, by id from the one after `after` on. */
export function listFileRows(database: Database, after: number, limit: number): FileRow[] {
  return database.all<FileRow>(
    `select id, series_id as "seriesId", digest, size_bytes as "sizeBytes", missing_since is not null as "isMissing"
     from instance where id > ? order by id limit ?`,
    after,
    limit,
  );
}

/** False where the row is gone by now. */
export function setMissing(database: Database, id: number, at: number): boolean {
  return database.run("update instance set missing_since = ifnull(missing_since, ?) where id = ?", at, id).changes > 0;
}

export function setFound(database: Database, id: number, sizeBytes: number): void {
  database.run("update instance set missing_since = null, size_bytes = ? where id = ?", sizeBytes, id);
}

/** Images whose file is missing, by series. */
export function countMissing(database: Database): { readonly seriesId: SeriesId; readonly images: number }[] {
  return database.all(
    'select series_id as "seriesId", count(*) as images from instance where missing_since is not null group by series_id order by series_id',
  );
}

/** Results with what of them has to be on disk. */
export function listResultFiles(
  database: Database,
): { readonly id: ResultId; readonly seriesId: SeriesId; readonly state: ResultState; readonly written: readonly ResultOutput[] }[] {
  return database
    .all<{ id: ResultId; seriesId: SeriesId; state: ResultState; written: string | null }>(
      'select id, series_id as "seriesId", state, written from result order by id',
    )
    .map(({ written, ...row }) => ({ ...row, written: written === null ? [] : (JSON.parse(written) as ResultOutput[]) }));
}
