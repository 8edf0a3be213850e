import { readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type InstanceHeader, readInstanceHeader } from "../dicom/instance-header.ts";
import { encodeFileMeta } from "../dicom/part10.ts";
import { isSameImage } from "../dicom/same-image.ts";
import type { IncomingInstance, InstanceSink } from "../dimse/scp.ts";
import type { SeriesId, Uid } from "../domain/ids.ts";
import type { Instance, SeriesDescription } from "../domain/series.ts";
import { addAudit } from "../store/audit.ts";
import { countInstances } from "../store/completions.ts";
import type { Database } from "../store/database.ts";
import type { FreeSpace } from "../store/free-space.ts";
import type { GroupCommit } from "../store/group-commit.ts";
import { readIfThere } from "../store/if-there.ts";
import { addJob } from "../store/jobs.ts";
import type { ObjectFolder, ObjectWriter } from "../store/objects.ts";
import { endRemoval } from "../store/removals.ts";
import { type Added, addInstance, findInstances, type KeptInstance } from "../store/series.ts";
import type { Changes } from "./changes.ts";
import { sourceOf } from "./count-at-source.ts";
import { closeSeriesJob, countAtSourceJob } from "./job-kinds.ts";

/** All that stands before Pixel Data must fit in here; the largest seen from a scanner is below 200 kB. */
export const headLimitBytes = 1024 * 1024;

export type ReceiveOptions = {
  readonly database: Database;
  readonly objects: ObjectFolder;
  /** Refuses images while the disk is nearly full. */
  readonly space: FreeSpace;
  readonly commits: GroupCommit;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
  readonly quietMs: number;
  readonly forceMs: number;
  /** Tells that an association brought an image of a series; before the sender hears Success. */
  readonly onSeries: (associationId: number, seriesId: SeriesId) => void;
  /** Wakes the job runner. */
  readonly wake: () => void;
};

/** `studyInstanceUid`: the study that it has to belong to, where the sender has named one beside the data set. */
type Incoming = IncomingInstance & { readonly studyInstanceUid?: Uid };

/**
 * Where the bytes of one C-STORE go: to a file under their digest, byte-exact, then into the database together with the job that will judge
 * the series complete. Only after that its sender hears Success.
 */
export function openInstance(incoming: Incoming, options: ReceiveOptions): InstanceSink | Promise<InstanceSink> {
  const looking = options.space.require();
  return looking ? looking.then(() => sinkOf(incoming, options)) : sinkOf(incoming, options);
}

function sinkOf(incoming: Incoming, options: ReceiveOptions): InstanceSink {
  const meta = encodeFileMeta({
    sopClassUid: incoming.sopClassUid,
    sopInstanceUid: incoming.sopInstanceUid,
    transferSyntaxUid: incoming.transferSyntaxUid,
    sourceAeTitle: incoming.peer.callingAeTitle,
  });
  let header: InstanceHeader | null = null;
  // While the rest of the image is still on its way
  const writer = options.objects.create(meta, (bytes, isAll) => {
    header = checkHeader(() => headerWithin(bytes, isAll), incoming, options);
  });
  return {
    write: (chunk) => writer.write(chunk),
    async commit() {
      writer.end();
      const known = header ?? (await readLongHeader(writer, incoming, options));
      const { removed } = options.objects;
      let earlier: readonly KeptInstance[] = [];
      const file = await writer.commit((digest) => {
        earlier = findInstances(options.database, known.seriesInstanceUid, known.sopInstanceUid);
        return earlier.some((instance) => instance.digest === digest);
      });
      const sameAs = earlier.length > 0 ? await findSame(earlier, file, options) : undefined;
      const { isReceiving, seriesId } = await noteInstance(incoming, known, { ...file, removed }, sameAs, options);
      if (isReceiving) options.changes.seriesChanged(seriesId);
      options.wake();
    },
    abort: () => abandon(writer, options.log),
  };
}

/** Where the head of nearly every image ends. */
const usualHeadBytes = 64 * 1024;

/** The header of an image whose first bytes these are; null where it goes on behind them. */
export function headerWithin(bytes: Buffer, isAll: boolean): InstanceHeader | null {
  const usual = bytes.subarray(0, usualHeadBytes);
  for (const part of usual.length < bytes.length ? [usual, bytes] : [bytes])
    try {
      return readInstanceHeader(part, { isFirstPart: !isAll || part.length < bytes.length });
    } catch (error) {
      if (!(error instanceof RefusedError) || (isAll && part === bytes)) throw error;
    }
  return null;
}

async function readLongHeader(writer: ObjectWriter, incoming: Incoming, options: ReceiveOptions): Promise<InstanceHeader> {
  const bytes = await writer.readBeginning(headLimitBytes + 1);
  const read = () => readInstanceHeader(bytes.subarray(0, headLimitBytes), { isFirstPart: bytes.length > headLimitBytes });
  return checkHeader(read, incoming, options)!;
}

/** What can't be understood is refused to its sender, and noted: somebody will ask where the image went. */
function checkHeader(
  read: () => InstanceHeader | null,
  { sopClassUid, sopInstanceUid, studyInstanceUid, peer }: Incoming,
  { database, clock, log }: ReceiveOptions,
): InstanceHeader | null {
  try {
    const header = read();
    if (header === null) return null;
    if (header.sopInstanceUid !== sopInstanceUid || header.sopClassUid !== sopClassUid)
      throw new RefusedError("instance-mismatch", "SOP Class or Instance UID in the data set differs from the one in the C-STORE request");
    if (studyInstanceUid !== undefined && header.studyInstanceUid !== studyInstanceUid)
      throw new RefusedError("instance-mismatch", "Study Instance UID in the data set differs from the one that it is stored to");
    return header;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { code, message } = error;
    log.warn("instance-refused", { callingAeTitle: peer.callingAeTitle, code, message });
    addAudit(database, {
      at: clock.now(),
      actor: `ae:${peer.callingAeTitle}`,
      action: "instance-refused",
      object: "instance",
      detail: { code, message },
    });
    throw error;
  }
}

/** Images above this size are not compared here, in the process that receives: the child does it when the series is read. */
const comparedLimitBytes = 16 * 1024 * 1024;

/**
 * The row of an earlier image that this one is the same as, under another header: what a PACS makes of a series that it forwards and the
 * scanner has sent already. Such a copy must not start the series anew. Only pixels that are coded alike are compared here.
 */
export async function findSame(
  kept: readonly KeptInstance[],
  file: ReceivedFile,
  { objects, log }: ReceiveOptions,
): Promise<number | undefined> {
  const [earlier] = kept.filter(({ isSecond }) => !isSecond).sort((a, b) => a.id - b.id);
  if (!earlier || earlier.digest === file.digest || Math.max(earlier.sizeBytes, file.sizeBytes) > comparedLimitBytes) return undefined;
  const [first, second] = await Promise.all([readIfThere(objects.path(earlier.digest)), readFile(objects.path(file.digest))]);
  if (!first) return undefined; // deleted just now, or lost
  if (await isSameImage(first, second, { decode: false })) return earlier.id;
  log.warn("instance-differs", { instanceId: earlier.id }); // both are kept; the series is refused where both would be part of a volume
  return undefined;
}

export type ReceivedFile = { readonly digest: string; readonly sizeBytes: number };

type Noted = Pick<Added, "seriesId" | "isReceiving">;

/** One transaction, durable when this resolves: the image, its series, and the job that looks whether the series is complete. */
export function noteInstance(
  incoming: IncomingInstance,
  header: InstanceHeader,
  file: ReceivedFile & { readonly removed: number },
  sameAs: number | undefined,
  options: ReceiveOptions,
): Promise<Noted> {
  const { database, objects, clock, log } = options;
  const receivedAt = clock.now();
  const arrival = {
    seriesInstanceUid: header.seriesInstanceUid,
    studyInstanceUid: header.studyInstanceUid,
    description: descriptionOf(header),
    callingAeTitle: incoming.peer.callingAeTitle,
    calledAeTitle: incoming.peer.calledAeTitle,
    instance: instanceOf(header, incoming, file, receivedAt),
    sameAs,
  };
  return options.commits.commit(
    () => {
      objects.requireThere(file.digest, file.removed);
      endRemoval(database, { kind: "object", name: file.digest }); // it has come again before its file was deleted
      const added = addInstance(database, arrival);
      if (added.opens) {
        const { callingAeTitle, remoteAddress: address } = incoming.peer;
        const series = { action: "series-arriving", object: `series:${added.seriesId}`, detail: { address } };
        addAudit(database, { at: receivedAt, actor: `ae:${callingAeTitle}`, ...series });
      }
      if (added.isReceiving) look(added, header, incoming.peer.callingAeTitle, receivedAt, options);
      return added;
    },
    ({ seriesId, isNew }) => {
      options.onSeries(incoming.peer.associationId, seriesId);
      log.debug(isNew ? "instance-received" : "instance-received-again", { seriesId, sizeBytes: file.sizeBytes });
    },
  );
}

/** Before the sender has settled: its node is asked how many images there are. */
const firstCountMs = 1_000;

/** Plans the looks whether a series is complete: after the quiet time, and at once where as many are here as its images or its source say. */
function look(
  { seriesId, opens, receivingSince, sourceCount }: Added,
  { numberOfSeriesRelatedInstances: declared }: InstanceHeader,
  callingAeTitle: string,
  receivedAt: number,
  { database, quietMs, forceMs }: ReceiveOptions,
): void {
  const latest = Math.min(receivedAt + quietMs, Math.max(receivedAt, receivingSince + forceMs));
  const count = declared === null && sourceCount === null ? 0 : countInstances(database, seriesId);
  addJob(database, closeSeriesJob(seriesId, declared !== null && count >= declared ? receivedAt : latest));
  const isReached = sourceCount !== null && count >= sourceCount;
  if ((opens || isReached) && sourceOf(database, callingAeTitle))
    addJob(database, countAtSourceJob(seriesId, isReached ? receivedAt : receivedAt + firstCountMs));
}

function instanceOf(header: InstanceHeader, incoming: IncomingInstance, file: ReceivedFile, receivedAt: number): Instance {
  const { sopClassUid, modality, imageType, rows, columns, numberOfFrames, imageOrientationPatient } = header;
  const { numberOfSeriesRelatedInstances, imagesInAcquisition, acquisitionNumber } = header;
  return {
    sopInstanceUid: incoming.sopInstanceUid,
    transferSyntaxUid: incoming.transferSyntaxUid,
    ...file,
    facts: {
      ...{ sopClassUid, modality, imageType, rows: rows ?? 0, columns: columns ?? 0, numberOfFrames, imageOrientationPatient },
      ...(numberOfSeriesRelatedInstances !== null && { seriesInstances: numberOfSeriesRelatedInstances }),
      ...(imagesInAcquisition !== null && { imagesInAcquisition }),
      ...(imagesInAcquisition !== null && acquisitionNumber !== null && { acquisitionNumber }),
    },
    receivedAt,
  };
}

function descriptionOf(header: InstanceHeader): SeriesDescription {
  return {
    patientName: header.patientName,
    patientId: header.patientId,
    patientBirthDate: header.patientBirthDate,
    patientSex: header.patientSex,
    accessionNumber: header.accessionNumber,
    studyDate: header.studyDate,
    studyDescription: header.studyDescription,
    seriesDescription: header.seriesDescription,
    seriesNumber: header.seriesNumber,
    bodyPartExamined: header.bodyPartExamined,
  };
}

async function abandon(writer: ObjectWriter, log: Log): Promise<void> {
  try {
    await writer.abort();
  } catch (error) {
    log.warn("incoming-file-left", { message: messageOf(error) }); // removed at the next start
  }
}
