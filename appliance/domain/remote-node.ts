import type { AeTitle } from "./ids.ts";

/** A DICOM node elsewhere: where results go, and who may send. */
export type RemoteNode = {
  readonly name: string;
  readonly aeTitle: AeTitle;
  readonly host: string;
  readonly port: number;
  /** Addresses and networks (`10.1.2.0/24`) that it calls from; absent: its host. */
  readonly callsFrom?: readonly string[];
};
