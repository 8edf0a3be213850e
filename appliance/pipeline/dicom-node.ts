import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DicomSettings } from "../config/dicom-settings.ts";
import type { CommitmentReport } from "../dicom/commitment.ts";
import { startScp } from "../dimse/scp.ts";
import { createHostResolver } from "../host/resolve-host.ts";
import type { Database } from "../store/database.ts";
import type { Durability } from "../store/durability.ts";
import { listNodes } from "../store/settings.ts";
import { acceptAssociation } from "./accept.ts";
import { associationEnded, type OpenAssociations } from "./close-series.ts";
import type { OwnTls } from "./own-tls.ts";
import { openInstance, type ReceiveOptions } from "./receive.ts";
import { RefusedCallers } from "./refused-callers.ts";

export type DicomNodeOptions = Omit<ReceiveOptions, "onSeries"> & {
  readonly database: Database;
  readonly settings: DicomSettings;
  readonly tls: OwnTls | null;
  readonly durability: Durability;
  /** A node reports on a Storage Commitment; kept for good when it returns. */
  readonly commitmentReported: (report: CommitmentReport) => void;
  readonly open: OpenAssociations;
  readonly clock: Clock;
  readonly log: Log;
};

export type DicomNode = {
  readonly port: number;
  /** Null where TLS is not spoken. */
  readonly tlsPort: number | null;
  /** Takes no new association; those that are open may go on for `graceMs`. */
  close(graceMs: number): Promise<void>;
};

/** Between two looks for jobs while images come in; the job of a series waits for its quiet time anyway. */
const wakeEveryMs = 100;

/** Listens for scanners, and takes what those send that may. */
export async function startDicomNode(options: DicomNodeOptions): Promise<DicomNode> {
  const { database, settings, tls, durability, open, clock, log } = options;
  const refusedCallers = new RefusedCallers(database, clock, log);
  const resolveHost = createHostResolver(clock);
  const aeTitles = [settings.aeTitle, ...settings.furtherAeTitles];
  let waking: NodeJS.Timeout | undefined;
  const wakeSoon = (): void => {
    waking ??= setTimeout(() => {
      waking = undefined;
      options.wake();
    }, wakeEveryMs);
  };
  const receiving: ReceiveOptions = {
    ...options,
    wake: wakeSoon,
    onSeries: (associationId, seriesId) => open.brought(associationId, seriesId),
  };
  const scp = await startScp(
    scpOptionsOf(settings, tls),
    {
      acceptAssociation: (peer) =>
        durability.isLost
          ? { accept: false, reason: "temporary-congestion", detail: "storage-failed" }
          : acceptAssociation(peer, {
              aeTitles,
              acceptUnknownCallers: settings.acceptUnknownCallers,
              nodes: listNodes(database),
              resolveHost,
            }),
      openInstance: (incoming) => openInstance(incoming, receiving),
      commitmentReported: options.commitmentReported,
      associationRefused: (refused) => refusedCallers.note(refused),
      associationClosed(peer) {
        associationEnded(peer.associationId, options);
        options.wake();
      },
    },
    log,
  );
  tls?.onChange((identity) => scp.setTlsIdentity(identity));
  return {
    port: scp.port,
    tlsPort: scp.tlsPort,
    async close(graceMs) {
      await scp.close(graceMs);
      clearTimeout(waking);
      refusedCallers.write();
    },
  };
}

function scpOptionsOf(
  { address, port, limits, otherStorageClasses, tls }: DicomSettings,
  own: OwnTls | null,
): Parameters<typeof startScp>[0] {
  return {
    host: address,
    port,
    ...(tls && own && { tls: { port: tls.port, identity: own.identity, clientCertificates: tls.clientCertificates } }),
    maxAssociations: limits.associations,
    maxAssociationsPerPeer: limits.associationsPerAddress,
    maxPduLength: limits.offeredPduBytes,
    acceptedPduLength: limits.acceptedPduBytes,
    maxObjectBytes: limits.objectMegabytes * 1_048_576,
    handshakeTimeoutMs: limits.handshakeSeconds * 1000,
    idleTimeoutMs: limits.idleSeconds * 1000,
    minimumBytesPerSecond: limits.minimumBytesPerSecond,
    paceWindowMs: limits.paceSeconds * 1000,
    associationTimeoutMs: limits.associationMinutes * 60_000,
    otherStorageSopClasses: otherStorageClasses,
  };
}
