import { createHash } from "node:crypto";
import type { Arrived } from "../domain/completeness.ts";
import type { SeriesId, Uid } from "../domain/ids.ts";
import type { Instance, InstanceFacts, Reason, Series, SeriesDescription, SeriesState } from "../domain/series.ts";
import type { Database } from "./database.ts";
import { freshId } from "./fresh-id.ts";

type SeriesRow = {
  id: number;
  series_instance_uid: string;
  study_instance_uid: string;
  state: SeriesState;
  reason: string | null;
  modality: string;
  description: string;
  calling_ae_title: string;
  called_ae_title: string;
  first_received_at: number;
  last_received_at: number;
  last_association_ended_at: number | null;
  receiving_since: number | null;
  source_node: string | null;
  source_count: number | null;
  source_counted_at: number | null;
  instance_count: number;
  differing_copies: number;
  images_removed_at: number | null;
  missing_images: number;
  earlier_removed_at: number | null;
};

const selectSeries = `select *, (select count(*) from instance where series_id = series.id and same_as is null) - differing_copies as instance_count,
   (select max(images_removed_at) from result where series_id = series.id) as images_removed_at,
   (select count(*) from instance where series_id = series.id and missing_since is not null) as missing_images from series`;

/** What arrives with an image about its series. */
export type Arrival = {
  readonly seriesInstanceUid: Uid;
  readonly studyInstanceUid: Uid;
  readonly description: SeriesDescription;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly instance: Instance;
  /** Row of an earlier image that this one is the same as, under another header. It is kept, and changes nothing else. */
  readonly sameAs?: number | undefined;
};

export type Added = {
  readonly seriesId: SeriesId;
  readonly isNew: boolean;
  readonly isReceiving: boolean;
  /** It made the series receiving: its first image, or the first after it was judged. */
  readonly opens: boolean;
  /** UTC epoch ms. */
  readonly receivingSince: number;
  /** How many the node that it comes from said it has; null where it was not asked. */
  readonly sourceCount: number | null;
};

/**
 * Notes an image whose file is on disk. A new image puts its series back to receiving, also after it was judged complete. The same content
 * again does so to an ignored series only: whoever sends it again, after a rule or a model was added, wants it judged again.
 */
export function addInstance(database: Database, arrival: Arrival): Added {
  const { instance } = arrival;
  return database.transaction(() => {
    const row = database.get<Pick<SeriesRow, "id" | "state" | "receiving_since" | "source_count" | "first_received_at">>(
      `insert into series (id, series_instance_uid, study_instance_uid, modality, description, calling_ae_title, called_ae_title,
         first_received_at, last_received_at, earlier_removed_at)
       values (${freshId("series")}, ?, ?, ?, ?, ?, ?, ?, ?, (select max(removed_at) from trace where series_instance_uid = ?))
       on conflict (series_instance_uid) do update set last_received_at = excluded.last_received_at
       returning id, state, receiving_since, source_count, first_received_at`,
      arrival.seriesInstanceUid,
      arrival.studyInstanceUid,
      instance.facts.modality,
      JSON.stringify(arrival.description),
      arrival.callingAeTitle,
      arrival.calledAeTitle,
      instance.receivedAt,
      instance.receivedAt,
      arrival.seriesInstanceUid,
    )!;
    const { id: seriesId, state } = row;
    const { changes } = database.run(
      `insert into instance (series_id, sop_instance_uid, transfer_syntax_uid, digest, size_bytes, facts, received_at, same_as)
       values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
      seriesId,
      instance.sopInstanceUid,
      instance.transferSyntaxUid,
      instance.digest,
      instance.sizeBytes,
      JSON.stringify(instance.facts),
      instance.receivedAt,
      arrival.sameAs ?? null,
    );
    if (changes === 0)
      database.run(
        "update instance set missing_since = null where series_id = ? and sop_instance_uid = ? and digest = ? and missing_since is not null",
        seriesId,
        instance.sopInstanceUid,
        instance.digest,
      );
    const isNew = changes > 0 && arrival.sameAs === undefined;
    if (isNew && isDiffering(database, seriesId, instance))
      database.run("update series set differing_copies = differing_copies + 1 where id = ?", seriesId);
    const isReceiving = isNew || state !== "complete";
    const opens = isReceiving && (state !== "receiving" || row.receiving_since === null);
    if (isReceiving && state !== "receiving") setSeriesState(database, seriesId, "receiving", null);
    if (opens) database.run("update series set receiving_since = ? where id = ?", instance.receivedAt, seriesId);
    const receivingSince = opens ? instance.receivedAt : (row.receiving_since ?? row.first_received_at);
    return { seriesId, isNew, isReceiving, opens, receivingSince, sourceCount: row.source_count };
  });
}

/** Another image of the series has the same SOP Instance UID. */
function isDiffering(database: Database, seriesId: SeriesId, { sopInstanceUid, digest }: Instance): boolean {
  const other = "select 1 from instance where series_id = ? and sop_instance_uid = ? and digest <> ? and same_as is null";
  return database.get(other, seriesId, sopInstanceUid, digest) !== undefined;
}

/** At the start of the service all associations have ended: series that were being received get their quiet time anew, since senders try again. */
export function noteRestart(database: Database, at: number): void {
  database.run("update series set last_association_ended_at = ? where state = 'receiving'", at);
}

export function noteAssociationEnd(database: Database, id: SeriesId, at: number): void {
  database.run("update series set last_association_ended_at = ? where id = ?", at, id);
}

export function setSeriesState(database: Database, id: SeriesId, state: SeriesState, reason: Reason | null): void {
  database.run("update series set state = ?, reason = ? where id = ?", state, reason && JSON.stringify(reason), id);
}

/** Notes that nothing more is to be done about what failed of a series so far, or has no destination. */
export function setSettled(database: Database, id: SeriesId, at: number): void {
  database.run("update series set settled_at = ? where id = ?", at, id);
}

/** Something is to be done about it after all. */
export function unsettle(database: Database, id: SeriesId): void {
  database.run("update series set settled_at = null where id = ?", id);
}

/** A series with what tells whether it is complete. */
export type ArrivingSeries = Series & Pick<Arrived, "lastAssociationEndedAt" | "receivingSince" | "source">;

export function getSeries(database: Database, id: SeriesId): ArrivingSeries | undefined {
  const row = database.get<SeriesRow>(`${selectSeries} where id = ?`, id);
  return row && seriesOf(row);
}

/** Newest first; `before` is the id of the last one already seen. */
export function listSeries(database: Database, { before, limit }: { before?: SeriesId; limit: number }): Series[] {
  return database
    .all<SeriesRow>(`${selectSeries} where id < ? order by id desc limit ?`, before ?? Number.MAX_SAFE_INTEGER, limit)
    .map(seriesOf);
}

export function listSeriesOfStudy(database: Database, studyInstanceUid: Uid): SeriesId[] {
  return database
    .all<{ id: SeriesId }>("select id from series where study_instance_uid = ? order by id", studyInstanceUid)
    .map(({ id }) => id);
}

/** What has come under a SOP Instance UID of a series, each content once. `isSecond`: the same image as an earlier one, under another header. */
export type KeptInstance = { readonly id: number; readonly digest: string; readonly sizeBytes: number; readonly isSecond: number };

/** In no order. */
export function findInstances(database: Database, seriesInstanceUid: Uid, sopInstanceUid: Uid): KeptInstance[] {
  // Two statements: SQLite takes five times as long for the join
  const series = database.get<{ id: SeriesId }>("select id from series where series_instance_uid = ?", seriesInstanceUid);
  if (!series) return [];
  return database.all(
    `select id, digest, size_bytes as "sizeBytes", same_as is not null as "isSecond" from instance where series_id = ? and sop_instance_uid = ?`,
    series.id,
    sopInstanceUid,
  );
}

/** In order of arrival; second copies of the same image are left out. */
export function listInstances(database: Database, seriesId: SeriesId): Instance[] {
  return database
    .all<{ sop_instance_uid: string; transfer_syntax_uid: string; digest: string; size_bytes: number; facts: string; received_at: number }>(
      "select * from instance where series_id = ? and same_as is null order by id",
      seriesId,
    )
    .map((row) => ({
      sopInstanceUid: row.sop_instance_uid,
      transferSyntaxUid: row.transfer_syntax_uid,
      digest: row.digest,
      sizeBytes: row.size_bytes,
      facts: JSON.parse(row.facts) as InstanceFacts,
      receivedAt: row.received_at,
    }));
}

/** Every file that was received of a series, second copies included, in order of arrival. */
export function listFilesOf(database: Database, seriesId: SeriesId): { id: number; sopInstanceUid: Uid; digest: string }[] {
  return database.all('select id, sop_instance_uid as "sopInstanceUid", digest from instance where series_id = ? order by id', seriesId);
}

/** SHA-256 over the sorted digests of a series' images: the same images give the same value in whatever order they came. */
export function inputDigest(instances: readonly { digest: string }[]): string {
  return createHash("sha256")
    .update(
      instances
        .map(({ digest }) => digest)
        .sort()
        .join("\n"),
    )
    .digest("hex");
}

function seriesOf(row: SeriesRow): ArrivingSeries {
  return {
    id: row.id,
    seriesInstanceUid: row.series_instance_uid,
    studyInstanceUid: row.study_instance_uid,
    state: row.state,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as Reason),
    modality: row.modality,
    description: JSON.parse(row.description) as SeriesDescription,
    callingAeTitle: row.calling_ae_title,
    calledAeTitle: row.called_ae_title,
    instanceCount: row.instance_count,
    differingCopies: row.differing_copies,
    imagesRemovedAt: row.images_removed_at,
    missingImages: row.missing_images,
    earlierRemovedAt: row.earlier_removed_at,
    firstReceivedAt: row.first_received_at,
    lastReceivedAt: row.last_received_at,
    lastAssociationEndedAt: row.last_association_ended_at,
    receivingSince: row.receiving_since ?? row.first_received_at,
    source:
      row.source_node === null || row.source_count === null || row.source_counted_at === null
        ? null
        : { node: row.source_node, count: row.source_count, countedAt: row.source_counted_at },
  };
}
