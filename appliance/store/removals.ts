import type { DeliveryId, ResultId, SeriesId } from "../domain/ids.ts";
import type { Database } from "./database.ts";
import { jobKeysOf } from "./job-keys.ts";

/** A file or folder of a row that is gone, to be deleted. object: of a received image, by its digest; result: the folder of a result, by its id. */
export type Removal = { readonly kind: "object" | "result"; readonly name: string };

/** Deletes the rows of a series' images; their files are to follow. Its results stay, and are of images that are gone. How many there were. */
export function deleteImages(database: Database, seriesId: SeriesId, at: number): number {
  return database.transaction(() => {
    database.run(
      "insert into removal (kind, name, at) select 'object', digest, ? from instance where series_id = ? on conflict do nothing",
      at,
      seriesId,
    );
    const { changes } = database.run("delete from instance where series_id = ?", seriesId);
    database.run("update series set differing_copies = 0 where id = ?", seriesId);
    database.run("update result set images_removed_at = ? where series_id = ? and images_removed_at is null", at, seriesId);
    return changes;
  });
}

/** Deletes a series with all that is here of it, jobs included; files are to follow. */
export function deleteSeries(database: Database, seriesId: SeriesId, at: number): void {
  database.transaction(() => {
    deleteImages(database, seriesId, at);
    database.run(
      "insert into removal (kind, name, at) select 'result', id, ? from result where series_id = ? on conflict do nothing",
      at,
      seriesId,
    );
    const results = database
      .all<{ id: ResultId }>("select id from result where series_id = ?", seriesId)
      .map(({ id }) => ({ id, deliveries: database.all<{ id: DeliveryId }>("select id from delivery where result_id = ?", id) }));
    for (const key of jobKeysOf({ seriesId, results })) database.run("delete from job where key = ?", key);
    database.run("delete from series where id = ?", seriesId);
  });
}

/** What is still to be deleted, the oldest first. */
export function listRemovals(database: Database, limit: number): Removal[] {
  return database.all<Removal>("select kind, name from removal order by at, kind, name limit ?", limit);
}

export function countRemovals(database: Database): number {
  return database.get<{ count: number }>("select count(*) as count from removal")!.count;
}

/** Whether it is still to be deleted. */
export function isToBeRemoved(database: Database, { kind, name }: Removal): boolean {
  return database.get("select 1 from removal where kind = ? and name = ?", kind, name) !== undefined;
}

/** It is gone; or it has come again, and has a row. */
export function endRemoval(database: Database, { kind, name }: Removal): void {
  database.run("delete from removal where kind = ? and name = ?", kind, name);
}
