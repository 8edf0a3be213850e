import type { DocumentId, ResultId, Uid } from "../domain/ids.ts";
import type { ResultDocument } from "../domain/result.ts";
import type { Database } from "./database.ts";

export type NewDocument = Pick<ResultDocument, "resultId" | "kind" | "createdAt"> & {
  /** What makes it another document than others of its kind. */
  readonly says: object;
  readonly uids: { readonly seriesInstanceUid: Uid; readonly sopInstanceUid: Uid };
  /** Its name in the result's folder; made of its kind and id where none is given. */
  readonly file?: string;
};

type DocumentRow = Omit<ResultDocument, "uids" | "says"> & { says: string; seriesInstanceUid: string; sopInstanceUid: string };

const selectDocument = `select id, result_id as "resultId", kind, says, series_instance_uid as "seriesInstanceUid",
  sop_instance_uid as "sopInstanceUid", file, created_at as "createdAt" from document`;

/** The document of a result that says exactly this; with the UIDs given where there is none yet, else as it was made. */
export function takeDocument(database: Database, { resultId, kind, says, uids, file, createdAt }: NewDocument): ResultDocument {
  return database.transaction(() => {
    const { changes, id } = database.run(
      `insert into document (result_id, kind, says, series_instance_uid, sop_instance_uid, file, created_at) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (result_id, kind, says) do nothing`,
      resultId,
      kind,
      JSON.stringify(says),
      uids.seriesInstanceUid,
      uids.sopInstanceUid,
      file ?? "",
      createdAt,
    );
    if (changes > 0 && file === undefined) database.run("update document set file = kind || '-' || id || '.dcm' where id = ?", id);
    return documentOf(
      database.get<DocumentRow>(`${selectDocument} where result_id = ? and kind = ? and says = ?`, resultId, kind, JSON.stringify(says))!,
    );
  });
}

export function getDocument(database: Database, id: DocumentId): ResultDocument | undefined {
  const row = database.get<DocumentRow>(`${selectDocument} where id = ?`, id);
  return row && documentOf(row);
}

export function listDocuments(database: Database, resultId: ResultId): ResultDocument[] {
  return database.all<DocumentRow>(`${selectDocument} where result_id = ? order by id`, resultId).map(documentOf);
}

function documentOf({ says, seriesInstanceUid, sopInstanceUid, ...row }: DocumentRow): ResultDocument {
  return { ...row, says: JSON.parse(says) as object, uids: { seriesInstanceUid, sopInstanceUid } };
}
