import type { AeTitle } from "./ids.ts";

/** A DICOM node elsewhere: where results go, and who may send. */
export type RemoteNode = {
  readonly name: string;
  readonly aeTitle: AeTitle;
  readonly host: string;
  readonly port: number;
  /** Addresses and networks (`10.1.2.0/24`) that it calls from; absent: its host. */
  readonly callsFrom?: readonly string[];
  /** Set: TLS and nothing else is spoken with it, both ways. */
  readonly tls?: NodeTls | undefined;
};

export type NodeTls = {
  /** Whether it has to show a certificate of an authority that we believe when it calls us. */
  readonly callerCertificate: "required" | "optional";
  /** The name in its certificate, where that is not its host. */
  readonly name?: string | undefined;
};
