import type { DocumentId, ResultId, SeriesId, Uid } from "../domain/ids.ts";
import type { ResultState, Review } from "../domain/result.ts";
import type { ObjectKind, Rule } from "../domain/rule.ts";
import type { Database } from "./database.ts";

/** What a search of studies is narrowed down by before anything is read from disk. Texts may hold `*` and `?`. */
export type StudyFilter = {
  readonly studyInstanceUids?: readonly string[];
  readonly patientId?: string;
  readonly patientName?: string;
  readonly accessionNumber?: string;
  readonly studyDescription?: string;
  /** YYYYMMDD; empty: open. */
  readonly studyDate?: readonly [from: string, to: string];
};

/** The condition in SQL over `series`, and its values. */
function whereOf(filter: StudyFilter): { readonly sql: string; readonly values: readonly string[] } {
  const parts: string[] = [];
  const values: string[] = [];
  const add = (sql: string, ...more: readonly string[]): void => {
    parts.push(sql);
    values.push(...more);
  };
  const { studyInstanceUids: uids, studyDate } = filter;
  if (uids) add(`study_instance_uid in (${uids.map(() => "?").join(", ")})`, ...uids);
  const texts = [
    ["patientId", filter.patientId],
    ["accessionNumber", filter.accessionNumber],
    ["studyDescription", filter.studyDescription],
  ] as const;
  for (const [name, text] of texts) if (text !== undefined) add(`json_extract(description, '$.${name}') glob ?`, globOf(text));
  if (filter.patientName !== undefined) add("lower(json_extract(description, '$.patientName')) glob lower(?)", globOf(filter.patientName));
  const date = "json_extract(description, '$.studyDate')";
  if (studyDate?.[0]) add(`${date} >= ?`, studyDate[0]);
  if (studyDate?.[1]) add(`${date} <> '' and ${date} <= ?`, studyDate[1]);
  return { sql: parts.length > 0 ? parts.join(" and ") : "true", values };
}

/** `*` and `?` mean the same in SQLite's glob; a bracket does not. */
const globOf = (text: string): string => text.replaceAll("[", "[[]");

/** Studies, that of the newest series first. */
export function listStudyUids(database: Database, filter: StudyFilter, { limit, offset }: { limit: number; offset: number }): Uid[] {
  const { sql, values } = whereOf(filter);
  return database
    .all<{ uid: Uid }>(
      `select study_instance_uid as uid from series where ${sql} group by study_instance_uid order by max(id) desc limit ? offset ?`,
      ...values,
      limit,
      offset,
    )
    .map(({ uid }) => uid);
}

export type ReceivedSeries = {
  readonly id: SeriesId;
  readonly seriesInstanceUid: Uid;
  readonly modality: string;
  readonly instances: number;
};

/** What was received of a study and is here, in the order of arrival. */
export function listReceivedSeries(database: Database, studyInstanceUid: Uid): ReceivedSeries[] {
  return database.all(
    `select id, series_instance_uid as "seriesInstanceUid", modality,
       (select count(distinct sop_instance_uid) from instance where series_id = series.id and same_as is null) as instances
     from series where study_instance_uid = ? and exists (select 1 from instance where series_id = series.id) order by id`,
    studyInstanceUid,
  );
}

export type ReceivedObject = {
  readonly sopInstanceUid: Uid;
  readonly sopClassUid: Uid;
  readonly transferSyntaxUid: Uid;
  readonly digest: string;
  readonly sizeBytes: number;
};

/** The images of a series, in the order of arrival; of several contents under one UID the one that came first. */
export function listReceivedObjects(
  database: Database,
  seriesId: SeriesId,
  page: { readonly sopInstanceUid?: Uid; readonly limit: number; readonly offset: number },
): ReceivedObject[] {
  return database.all(
    `select sop_instance_uid as "sopInstanceUid", json_extract(facts, '$.sopClassUid') as "sopClassUid",
       transfer_syntax_uid as "transferSyntaxUid", digest, size_bytes as "sizeBytes", min(id) as id
     from instance where series_id = ? and same_as is null and sop_instance_uid = ifnull(?, sop_instance_uid)
     group by sop_instance_uid order by min(id) limit ? offset ?`,
    seriesId,
    page.sopInstanceUid ?? null,
    page.limit,
    page.offset,
  );
}

/** An object that this box has made: one of a result's, or a document. */
export type MadeObject = {
  readonly resultId: ResultId;
  readonly kind: ObjectKind;
  readonly documentId: DocumentId | null;
  /** Its name in the result's folder, of a document. */
  readonly file: string | null;
  readonly seriesInstanceUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly state: ResultState;
  readonly rule: Pick<Rule, "deliver">;
  readonly review: Pick<Review, "verdict"> | null;
};

/** What was made of the series of a study and was written. A document may still be on its way to the disk. */
export function listMadeObjects(database: Database, studyInstanceUid: Uid): MadeObject[] {
  return database
    .all<Omit<MadeObject, "rule" | "review"> & { rule: string; review: string | null }>(
      `with made as (
         select result.id as result_id, each.key as kind, null as document_id, null as file,
           json_extract(each.value, '$.seriesInstanceUid') as series_uid, json_extract(each.value, '$.sopInstanceUid') as sop_uid
         from series join result on result.series_id = series.id join json_each(result.uids) as each
         where study_instance_uid = ? and exists (select 1 from json_each(result.written) as written where written.value = each.key)
         union all
         select result.id, document.kind, document.id, file, document.series_instance_uid, document.sop_instance_uid
         from series join result on result.series_id = series.id join document on document.result_id = result.id
         where study_instance_uid = ?)
       select result_id as "resultId", kind, document_id as "documentId", file, series_uid as "seriesInstanceUid",
         sop_uid as "sopInstanceUid", state, rule, review
       from made join result on result.id = result_id order by result_id, document_id`,
      studyInstanceUid,
      studyInstanceUid,
    )
    .map(({ rule, review, ...row }) => ({
      ...row,
      rule: JSON.parse(rule) as Rule,
      review: review === null ? null : (JSON.parse(review) as Review),
    }));
}
