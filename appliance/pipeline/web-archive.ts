import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { openPart10, readFileMeta } from "../dicom/part10.ts";
import { type JsonDataSet, toDicomJson } from "../dicomweb/dicom-json.ts";
import type { Uid } from "../domain/ids.ts";
import type { Database } from "../store/database.ts";
import { openIfThere } from "../store/if-there.ts";
import type { ObjectFolder } from "../store/objects.ts";
import { listMadeObjects, listReceivedObjects, listReceivedSeries, type MadeObject } from "../store/web-objects.ts";
import { outputForms } from "./outputs.ts";

/** Who asks. What a person has still to accept, or has rejected, is shown to people and not to nodes. */
export type Viewer = { readonly seesUnreleased: boolean };

/** An object that can be given out. */
export type WebObject = {
  readonly studyInstanceUid: Uid;
  readonly seriesInstanceUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly sopClassUid: Uid;
  readonly transferSyntaxUid: Uid;
  /** Of a Part 10 file. */
  readonly path: string;
  readonly sizeBytes: number;
  /** What it belongs to, as the audit trail calls it: `series:12`, `result:7`. */
  readonly of: string;
};

/** A series with its objects; those of a received one are looked up when they are asked for. */
export type WebSeries = {
  readonly studyInstanceUid: Uid;
  readonly seriesInstanceUid: Uid;
  readonly instances: number;
  readonly objects: (page: { readonly sopInstanceUid?: Uid; readonly limit: number; readonly offset: number }) => WebObject[];
};

export type WebArchiveOptions = {
  readonly database: Database;
  readonly objects: Pick<ObjectFolder, "path">;
  readonly resultFolder: (id: number) => string;
};

/** Enough for preamble and file meta information. */
const metaBytes = 4096;
/** Where the head of nearly every image ends, and where it ends at the latest. */
const headBytes = [64 * 1024, 1024 * 1024];
/** Behind the last group that a search looks at. */
const afterImageGroup = 0x00290000;

const everything = { limit: 1_000_000, offset: 0 };

/** The series of a study: what was received, then what was made of it. */
export async function listWebSeries(studyInstanceUid: Uid, viewer: Viewer, options: WebArchiveOptions): Promise<WebSeries[]> {
  const { database, objects } = options;
  const received = listReceivedSeries(database, studyInstanceUid).map(
    ({ id, seriesInstanceUid, instances }): WebSeries => ({
      studyInstanceUid,
      seriesInstanceUid,
      instances,
      objects: (page) =>
        listReceivedObjects(database, id, page).map((object) => ({
          studyInstanceUid,
          seriesInstanceUid,
          sopInstanceUid: object.sopInstanceUid,
          sopClassUid: object.sopClassUid,
          transferSyntaxUid: object.transferSyntaxUid,
          path: objects.path(object.digest),
          sizeBytes: object.sizeBytes,
          of: `series:${id}`,
        })),
    }),
  );
  const made: WebSeries[] = [];
  for (const object of listMadeObjects(database, studyInstanceUid)) {
    if (!isShown(object, viewer)) continue;
    const file = join(options.resultFolder(object.resultId), object.file ?? outputForms[object.kind].file);
    const found = await readMade(file);
    if (!found) continue; // a document is known before it is written
    const { seriesInstanceUid, sopInstanceUid } = object;
    const one: WebObject = { studyInstanceUid, seriesInstanceUid, sopInstanceUid, path: file, ...found, of: `result:${object.resultId}` };
    made.push({
      studyInstanceUid,
      seriesInstanceUid,
      instances: 1,
      objects: ({ sopInstanceUid: wanted = sopInstanceUid, limit, offset }) =>
        wanted === sopInstanceUid && limit > 0 && offset === 0 ? [one] : [],
    });
  }
  return [...received, ...made];
}

/** The objects of a study, of one of its series, or one of them; none where there are none. */
export async function findWebObjects(
  within: { readonly study: Uid; readonly series?: Uid; readonly instance?: Uid },
  viewer: Viewer,
  options: WebArchiveOptions,
): Promise<WebObject[]> {
  const { study, series, instance } = within;
  const page = instance === undefined ? everything : { ...everything, sopInstanceUid: instance };
  return (await listWebSeries(study, viewer, options))
    .filter(({ seriesInstanceUid }) => series === undefined || seriesInstanceUid === series)
    .flatMap(({ objects }) => objects(page));
}

/** A rejection note says what became of others, so it is always there. */
function isShown({ kind, state, rule, review }: MadeObject, { seesUnreleased }: Viewer): boolean {
  if (kind === "rejection-note") return true;
  if (state !== "ready") return false;
  return seesUnreleased || (review?.verdict !== "rejected" && (rule.deliver !== "after-acceptance" || review?.verdict === "accepted"));
}

async function readMade(path: string): Promise<Pick<WebObject, "sopClassUid" | "transferSyntaxUid" | "sizeBytes"> | null> {
  const file = await openIfThere(path);
  if (!file) return null;
  try {
    const { sopClassUid, transferSyntaxUid } = readFileMeta(await readStart(file, metaBytes));
    return { sopClassUid, transferSyntaxUid, sizeBytes: (await file.stat()).size };
  } catch (error) {
    if (error instanceof RefusedError) return null; // not one of the objects that we write: nothing to give out
    throw error;
  } finally {
    await file.close();
  }
}

/** Attributes of an object's head in the DICOM JSON model; empty where the file is away or can't be understood. */
export async function readHeadJson({ path }: Pick<WebObject, "path">, only: ReadonlySet<number> | "all"): Promise<JsonDataSet> {
  const file = await openIfThere(path);
  if (!file) return {};
  try {
    for (const bytes of headBytes) {
      try {
        const { dataSet } = openPart10(await readStart(file, bytes), { untilTag: afterImageGroup, maxHeadBytes: 2 << 20 });
        return toDicomJson(dataSet, only === "all" ? {} : { only });
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
      }
    }
    return {};
  } finally {
    await file.close();
  }
}

async function readStart(file: FileHandle, bytes: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
  return buffer.subarray(0, bytesRead);
}
