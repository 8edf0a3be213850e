/**
 * Whether the box takes images. disk-full: none until there is room again, which it notices by itself. storage-failed: the disk could not
 * keep what it was given, and nothing is taken until the service is started again.
 */
export type ReceivingState = "open" | "disk-full" | "storage-failed";

/**
 * Backups. off: none are set up. late: the last good one is older than the site allows, or there is none yet. failed: the last try failed;
 * `error` says why.
 */
export type BackupState = {
  readonly state: "off" | "good" | "late" | "failed";
  /** UTC epoch ms. */
  readonly lastGoodAt: number | null;
  readonly error: string | null;
};

/** GET /api/device: what the page's head and foot show. */
export type Device = {
  readonly stationName: string;
  readonly softwareVersion: string;
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly receiving: ReceivingState;
  readonly model: { readonly name: string; readonly version: string; readonly title: string }[];
  readonly destinations: readonly { readonly name: string; readonly aeTitle: string }[];
  /** Free and total bytes of the data folder's file system. */
  readonly disk: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    /** With less free space the box takes no images. */
    readonly minimumFreeBytes: number;
  };
  readonly backup: BackupState;
  /** How long the service kept others waiting in the last minute, ms. */
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
};
