import type { AeTitle } from "./ids.ts";

export const nodeServices = ["echo", "store", "find", "move", "get", "commitment"] as const;
/** What a node does for us: C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET, Storage Commitment. */
export type NodeService = (typeof nodeServices)[number];

/** A DICOM node elsewhere: where results go, and who may send. */
export type RemoteNode = {
  readonly name: string;
  readonly aeTitle: AeTitle;
  readonly host: string;
  readonly port: number;
  /** Addresses and networks (`10.1.2.0/24`) that it calls from; absent: its host. */
  readonly callsFrom?: readonly string[];
  /** anywhere: its token for DICOMweb counts wherever it is shown; absent: only from where it calls from. */
  readonly tokenFrom?: "anywhere" | undefined;
  /** Set: TLS and nothing else is spoken with it, both ways. */
  readonly tls?: NodeTls | undefined;
  /** Set: results go to it by STOW-RS, and studies come from it by WADO-RS, in place of C-STORE and C-GET. */
  readonly dicomweb?: NodeDicomWeb | undefined;
  /** What it does for us, as its setting says; absent: what the last test found. */
  readonly services?: readonly NodeService[] | undefined;
  /** What the last test found that it does. */
  readonly found?: FoundServices | undefined;
  /** Specific Character Set of what we ask it, several values with backslashes between; absent: the least that says it. */
  readonly characterSet?: string | undefined;
};

/** UTC epoch ms. */
export type FoundServices = { readonly at: number; readonly services: readonly NodeService[] };

/**
 * Whether a service of a node is used. What a test has found counts where the setting names no services, save Storage Commitment: with it a
 * result is delivered only when the node has committed itself, and that somebody has to want. Nothing said, nothing tested: C-ECHO and C-STORE.
 */
export function offers({ services, found }: RemoteNode, service: NodeService): boolean {
  if (services) return services.includes(service);
  if (service === "commitment") return false;
  return (found?.services ?? ["echo", "store"]).includes(service);
}

export type NodeTls = {
  /** Whether it has to show a certificate of an authority that we believe when it calls us. */
  readonly callerCertificate: "required" | "optional";
  /** The name in its certificate, where that is not its host. */
  readonly name?: string | undefined;
};

/** How DICOMweb is spoken with a node. Secrets and certificates are in files, which are read when they are needed. */
export type NodeDicomWeb = {
  /** Root of the service, without a slash at the end. */
  readonly url: string;
  /** Its content goes out as Bearer token. */
  readonly tokenFile?: string | undefined;
  /** Or name and password. */
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** PEM: whom to believe about its certificate; absent: the authorities of the system. */
  readonly authorities?: string | undefined;
};
