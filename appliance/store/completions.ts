import type { Completion, Declared, SourceCount } from "../domain/completeness.ts";
import type { SeriesId } from "../domain/ids.ts";
import type { Database } from "./database.ts";

export function addCompletion(database: Database, seriesId: SeriesId, completion: Completion, at: number): void {
  const { how, instances, expected, saidBy, waitedMs } = completion;
  database.run(
    "insert into completion (series_id, how, instances, expected, said_by, waited_ms, at) values (?, ?, ?, ?, ?, ?, ?)",
    seriesId,
    how,
    instances,
    expected,
    saidBy,
    waitedMs,
    at,
  );
}

/** Each time a series was judged complete, in order; `at` is UTC epoch ms. */
export function listCompletions(database: Database, seriesId: SeriesId): (Completion & { readonly at: number })[] {
  return database.all(
    'select how, instances, expected, said_by as "saidBy", waited_ms as "waitedMs", at from completion where series_id = ? order by id',
    seriesId,
  );
}

/** Keeps what the node that a series comes from has of it. */
export function setSourceCount(database: Database, seriesId: SeriesId, { node, count, countedAt }: SourceCount): void {
  database.run("update series set source_node = ?, source_count = ?, source_counted_at = ? where id = ?", node, count, countedAt, seriesId);
}

/** How many images have come of a series, each SOP Instance UID counted once. */
export function countInstances(database: Database, seriesId: SeriesId): number {
  return database.get<{ count: number }>(
    `select (select count(*) from instance where series_id = series.id and same_as is null) - differing_copies as count from series where id = ?`,
    seriesId,
  )!.count;
}

/** How many images the images of a series say there are; null where not all of them say so, they contradict each other, or two have one UID. */
export function readDeclared(database: Database, seriesId: SeriesId): Declared | null {
  // Few senders say it, and who asks is the process that receives: all images are looked at only where the first one says something
  const saysSo = database.get(
    `select 1 from (select facts from instance where series_id = ? and same_as is null limit 1)
     where json_extract(facts, '$.seriesInstances') is not null or json_extract(facts, '$.imagesInAcquisition') is not null`,
    seriesId,
  );
  if (!saysSo || database.get("select 1 from series where id = ? and differing_copies > 0", seriesId)) return null;
  const groups = database.all<{
    found: number;
    images: number;
    said: number;
    series: number | null;
    perAcquisition: number | null;
    all: number;
  }>(
    `select count(*) as found, sum(json_extract(facts, '$.numberOfFrames')) as images,
       count(distinct ifnull(json_extract(facts, '$.seriesInstances'), -1)) as said, max(json_extract(facts, '$.seriesInstances')) as series,
       max(json_extract(facts, '$.imagesInAcquisition')) as "perAcquisition",
       count(distinct ifnull(json_extract(facts, '$.imagesInAcquisition'), -1)) as "all"
     from instance where series_id = ? and same_as is null group by json_extract(facts, '$.acquisitionNumber')`,
    seriesId,
  );
  const series = groups[0]?.series ?? null;
  const found = groups.reduce((sum, group) => sum + group.found, 0);
  if (series !== null && groups.every((group) => group.said === 1 && group.series === series))
    return { by: "series", expected: series, found };
  if (groups.length === 0 || groups.some((group) => group.all !== 1 || group.perAcquisition === null)) return null;
  const whole = groups.every(({ images, perAcquisition }) => images === perAcquisition);
  const images = groups.reduce((sum, group) => sum + group.images, 0);
  const expected = groups.reduce((sum, group) => sum + group.perAcquisition!, 0);
  return { by: "acquisitions", expected, found: whole ? images : Math.min(images, expected - 1) };
}
