import { createHash } from "node:crypto";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { RawPeer } from "../appliance/dimse/raw-peer.ts";
import { type CtSeriesOptions, makeCtSeries, uidOf } from "../make/ct-series.ts";
import { eventually } from "../peers/eventually.ts";
import type { Acknowledged } from "./receiving.ts";

/** Columns, rows and slices: a job on it takes a second, most of which is the start of its processes. */
const dims = [32, 32, 8] as const;
export const slicesEach = dims[2];

export type Image = Acknowledged & { readonly dataSet: Buffer };

/** A series as its scanner knows it: which images it was told are safe. */
export class ScannedSeries {
  readonly seriesInstanceUid: string;
  readonly images: readonly Image[];
  readonly #acknowledged = new Set<Image>();

  constructor(name: string, more: CtSeriesOptions = {}) {
    this.seriesInstanceUid = uidOf(`${name}/series`);
    // Air around a bright block: both labels of the threshold network (make/threshold-model.ts) are found
    const hu = (i: number, j: number, k: number) => (i > 8 && i < 24 && j > 8 && j < 24 && k > 1 && k < 6 ? (i < 16 ? 300 : 640) : -1000);
    this.images = makeCtSeries({ name, dims, hu, spacingMm: [1.5, 1.5, 3], ...more }).map(({ sopInstanceUid, bytes }) => {
      const dataSet = Buffer.from(bytes.subarray(readFileMeta(bytes).dataSetOffset));
      return { sopInstanceUid, dataSet, digest: createHash("sha256").update(dataSet).digest("hex") };
    });
  }

  get isAcknowledged(): boolean {
    return this.#acknowledged.size === this.images.length;
  }

  get acknowledged(): readonly Acknowledged[] {
    return [...this.#acknowledged];
  }

  /**
   * Sends it over an association of its own, as far as the box lives; what it was not told is safe comes again the next time. Some scanners
   * send all again then.
   */
  async send(port: number, sendsAllAgain = false): Promise<void> {
    const peer = await RawPeer.connect(port).catch(() => null);
    if (!peer) return; // the box is not there
    try {
      if (!(await peer.associate({ callingAeTitle: "CHAOS" }).catch(() => ({ accepted: false }))).accepted) return;
      for (const image of this.images) {
        if (!sendsAllAgain && this.#acknowledged.has(image)) continue;
        peer.sendStore(image.sopInstanceUid, image.dataSet, 1, 131_072);
        const answer = await peer.nextCommand().catch(() => null);
        if (answer === null) return;
        if (answer.status === 0) this.#acknowledged.add(image);
      }
      peer.sendPdu({ type: "release-request" });
      await peer.next();
    } finally {
      peer.socket.destroy();
    }
  }
}

/** Sends until each image was acknowledged: a scanner tries again what was refused. */
export async function sendAll(
  { dicomPort }: { readonly dicomPort: number },
  series: readonly ScannedSeries[],
  timeoutMs = 60_000,
): Promise<void> {
  await eventually(async () => {
    for (const each of series) if (!each.isAcknowledged) await each.send(dicomPort);
    return series.every(({ isAcknowledged }) => isAcknowledged) || undefined;
  }, timeoutMs);
}

export const named = (name: string, count: number): ScannedSeries[] =>
  Array.from({ length: count }, (_, at) => new ScannedSeries(`${name}/${at}`));
