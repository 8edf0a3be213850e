import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { defaultStorageSopClasses, defaultTransferSyntaxes, takesStorage } from "../dimse/presentation-contexts.ts";
import type { InstanceSink } from "../dimse/scp.ts";
import { failureOf, statuses } from "../dimse/status.ts";
import type { AeTitle, SeriesId, Uid } from "../domain/ids.ts";
import { getSeries } from "../store/series.ts";
import { associationEnded, type OpenAssociations } from "./close-series.ts";
import { openInstance, type ReceiveOptions } from "./receive.ts";

export type WebStoreOptions = Omit<ReceiveOptions, "onSeries"> & {
  /** Told how many bytes came. */
  readonly onBytes: (bytes: number) => void;
  readonly open: OpenAssociations;
  /** Ours, which senders by DIMSE would call. */
  readonly aeTitle: AeTitle;
  readonly otherStorageClasses: readonly string[] | "any";
  readonly maxObjectBytes: number;
  /** Requests that store at the same time. */
  readonly maxRequests: number;
};

/** What became of one object. Its UIDs are known as far as it could be read. */
export type WebStored = {
  readonly sopClassUid?: Uid;
  readonly sopInstanceUid?: Uid;
} & (
  | { readonly kind: "stored"; readonly studyInstanceUid: Uid; readonly seriesInstanceUid: Uid }
  /** `reason` is a Failure Reason (0008,1197), which has the numbers of C-STORE. `code` says the same to ourselves. */
  | { readonly kind: "failed"; readonly reason: number; readonly code: string; readonly message: string }
);

/** Where file meta information ends at the latest, and where that of nearly every file does. */
const [usualMetaBytes, mostMetaBytes] = [16 * 1024, 1024 * 1024];
/** Associations of the SCP count up from 1, ours that fetch down from -1, requests down from here. */
const beforeRequests = -(2 ** 40);
/** Referenced Transfer Syntax not supported. PS3.18 table I.2-2 */
const syntaxNotSupported = 0xc122;

/** Takes objects that come over HTTP: the same way and with the same refusals as those that come by C-STORE. */
export class WebStore {
  readonly #options: WebStoreOptions;
  #requests = 0;
  #lastId = beforeRequests;

  constructor(options: WebStoreOptions) {
    this.#options = options;
  }

  /** One request of one sender, which counts as an association: a series is complete some time after the last of them has ended. */
  begin(sender: { readonly aeTitle: AeTitle; readonly remoteAddress: string }): WebStoreRequest {
    if (this.#requests >= this.#options.maxRequests) throw new UnavailableError("busy", "too many store just now; try again");
    this.#requests += 1;
    return new WebStoreRequest(this.#options, sender, --this.#lastId, () => {
      this.#requests -= 1;
    });
  }
}

export class WebStoreRequest implements Disposable {
  readonly #options: WebStoreOptions;
  readonly #peer: Parameters<typeof openInstance>[0]["peer"];
  readonly #ended: () => void;
  #series: SeriesId | undefined;

  constructor(
    options: WebStoreOptions,
    { aeTitle, remoteAddress }: { readonly aeTitle: AeTitle; readonly remoteAddress: string },
    associationId: number,
    ended: () => void,
  ) {
    this.#options = options;
    this.#peer = { callingAeTitle: aeTitle, calledAeTitle: options.aeTitle, remoteAddress, associationId };
    this.#ended = ended;
  }

  /**
   * Keeps one Part 10 file, its data set byte for byte: durable when this resolves to stored. What can't be kept is read to its end and told; what
   * the body itself throws (a connection that is lost, a message that is malformed) is thrown, and nothing half-written stays.
   *
   * @param studyInstanceUid the study that it has to belong to
   */
  async store(body: AsyncIterable<Uint8Array>, studyInstanceUid: Uid | undefined): Promise<WebStored> {
    const pieces = new Pieces(body);
    let known: { sopClassUid?: Uid; sopInstanceUid?: Uid } = {};
    let sink: InstanceSink | undefined;
    try {
      const head = await pieces.head();
      const { dataSetOffset, ...meta } = readFileMeta(head);
      known = { sopClassUid: meta.sopClassUid, sopInstanceUid: meta.sopInstanceUid };
      this.#requireTaken(meta);
      sink = await this.#open(meta, studyInstanceUid);
      let bytes = 0;
      const write = async (piece: Uint8Array): Promise<void> => {
        bytes += piece.length;
        this.#options.onBytes(piece.length);
        if (bytes > this.#options.maxObjectBytes)
          throw new RefusedError("object-too-large", `the data set is longer than ${this.#options.maxObjectBytes} bytes`);
        await sink!.write(piece);
      };
      await write(head.subarray(dataSetOffset));
      for (let piece = await pieces.next(); piece; piece = await pieces.next()) await write(piece);
      await sink.commit();
      const series = getSeries(this.#options.database, this.#series!)!;
      const { seriesInstanceUid } = series;
      return { kind: "stored", ...known, studyInstanceUid: series.studyInstanceUid, seriesInstanceUid } as WebStored;
    } catch (error) {
      await sink?.abort();
      if (pieces.failure) throw pieces.failure.error;
      await pieces.drop();
      return { kind: "failed", ...known, ...this.#failureOf(error) };
    }
  }

  [Symbol.dispose](): void {
    this.#ended();
    associationEnded(this.#peer.associationId, this.#options);
    this.#options.wake();
  }

  #open(meta: { sopClassUid: Uid; sopInstanceUid: Uid; transferSyntaxUid: Uid }, studyInstanceUid: Uid | undefined) {
    const onSeries = (associationId: number, seriesId: SeriesId): void => {
      this.#series = seriesId;
      this.#options.open.brought(associationId, seriesId);
    };
    return openInstance(
      { ...meta, peer: this.#peer, ...(studyInstanceUid !== undefined && { studyInstanceUid }) },
      { ...this.#options, onSeries },
    );
  }

  #requireTaken({ sopClassUid, transferSyntaxUid }: { sopClassUid: Uid; transferSyntaxUid: Uid }): void {
    const { otherStorageClasses: otherStorageSopClasses } = this.#options;
    if (!takesStorage(sopClassUid, { storageSopClasses: defaultStorageSopClasses, otherStorageSopClasses }))
      throw new RefusedError("class-not-taken", `objects of class ${sopClassUid} are not taken here`);
    if (!defaultTransferSyntaxes.includes(transferSyntaxUid))
      throw new RefusedError("syntax-not-taken", `objects in transfer syntax ${transferSyntaxUid} are not taken here`);
  }

  #failureOf(error: unknown): { reason: number; code: string; message: string } {
    const reason = failureOf(error).status;
    if (error instanceof UnavailableError) return { reason, code: error.code, message: error.message };
    if (!(error instanceof RefusedError)) {
      this.#options.log.error("web-store-failed", { stack: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) });
      return { reason, code: "fault", message: "internal error" };
    }
    const { code, message } = error;
    if (code === "class-not-taken") return { reason: statuses.sopClassNotSupported, code, message };
    if (code === "syntax-not-taken") return { reason: syntaxNotSupported, code, message };
    return { reason, code, message };
  }
}

/** The pieces of a body; tells its own failures from those of who reads them. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  failure: { readonly error: unknown } | undefined;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#source.next();
      return done ? undefined : value;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** So much of the beginning that the file meta information is in it. */
  async head(): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let wanted = usualMetaBytes;
    for (;;) {
      while (bytes < wanted) {
        const piece = await this.next();
        if (!piece) return Buffer.concat(pieces);
        pieces.push(piece);
        bytes += piece.length;
      }
      const head = Buffer.concat(pieces);
      if (wanted >= mostMetaBytes || isWhole(head)) return head;
      wanted *= 8;
    }
  }

  async drop(): Promise<void> {
    while (await this.next());
  }
}

function isWhole(head: Uint8Array): boolean {
  try {
    return readFileMeta(head).dataSetOffset <= head.length;
  } catch (error) {
    if (error instanceof RefusedError) return error.code !== "dicom-truncated";
    throw error;
  }
}
