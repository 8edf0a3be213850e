import type { Reason } from "../domain/series.ts";
import type { Database } from "./database.ts";

/** How many of each were set aside; of images, how many are gone. */
export type SetAside = { readonly series: number; readonly results: number; readonly deliveries: number; readonly images: number };

/** Jobs that need no file of the old box, or that show a person when they fail: a note of rejection takes the patient from one. */
const goingOn = ["pull", "request-commitment", "announce-rejection"];

const because = (message: string): string => JSON.stringify({ code: "restored", message } satisfies Reason);
const unfinished = because(
  "its images and files are not in the backup that this box was restored from; send the series again, then try again",
);
const sentInPart = because(
  "the box was restored from a backup in which this was not delivered yet, and its file is gone; check what the destination has",
);

/**
 * After a restore there are rows of images, results and deliveries, but none of their files. What was delivered stays as it is. What was under way
 * is set aside with that reason, and the rows of images are removed, so that the series can be sent again and counts as new then.
 * A result of which nothing has left the box, and which nobody has judged, can be made again, under its own UIDs. Of one that went out in part, or
 * may have, the rest is set aside: its UIDs stand for bytes that are gone. The old box's sessions end. One transaction with what `also` does.
 */
export function setAsideWithoutFiles(database: Database, now: number, also: (counts: SetAside) => void): SetAside {
  return database.transaction(() => {
    const series = database.run(
      `update series set state = 'ignored', reason = ? where state = 'receiving' or state = 'complete' and (
         not exists (select 1 from result where series_id = series.id)
         or exists (select 1 from job where key = 'select:' || series.id and state <> 'failed'))`,
      unfinished,
    ).changes;
    const results = database.all<{ id: number }>(
      `update result set state = 'failed', reason = ?, written = null where state in ('pending', 'segmented') or state = 'ready' and review is null
         and exists (select 1 from delivery where result_id = result.id and state in ('held', 'waiting', 'failed'))
         and not exists (select 1 from delivery where result_id = result.id and (state = 'delivered' or unanswered is not null))
         and not exists (select 1 from receipt join delivery on delivery.id = delivery_id where result_id = result.id)
       returning id`,
      unfinished,
    );
    for (const { id } of results) database.run("delete from delivery where result_id = ?", id);
    const deliveries = database.run(
      "update delivery set state = 'failed', reason = ? where state in ('held', 'waiting')",
      sentInPart,
    ).changes;
    const images = database.run("delete from instance").changes;
    database.run("update result set written = '[]' where written is not null"); // none of its objects is on disk
    database.run("update result set images_removed_at = ? where images_removed_at is null", now);
    database.run("delete from removal"); // of files that are not here
    database.run("update series set differing_copies = 0, source_count = null, source_counted_at = null");
    database.run("delete from job where state <> 'failed' and kind not in (select value from json_each(?))", JSON.stringify(goingOn));
    database.run("delete from session");
    const counts: SetAside = { series, results: results.length, deliveries, images };
    also(counts);
    return counts;
  });
}
