/** GET /api/device: what the page's head and foot show. */
export type Device = {
  readonly stationName: string;
  readonly softwareVersion: string;
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly model: { readonly name: string; readonly version: string; readonly title: string }[];
  readonly destinations: readonly { readonly name: string; readonly aeTitle: string }[];
  /** Free and total bytes of the data folder's file system. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number };
};
