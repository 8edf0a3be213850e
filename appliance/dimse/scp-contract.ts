import type { CommitmentReport } from "../dicom/commitment.ts";
import type { AeTitle, Uid } from "../domain/ids.ts";
import type { Rejection } from "./rejections.ts";
import type { ClientCertificates, TlsIdentity } from "./tls.ts";

export type PeerInfo = {
  readonly callingAeTitle: AeTitle;
  readonly calledAeTitle: AeTitle;
  /** Without the IPv4-in-IPv6 prefix and without a zone. */
  readonly remoteAddress: string;
  /** Absent: a plain connection. */
  readonly tls?: {
    /** It has shown a certificate that one of our authorities vouches for. */
    readonly isAuthorized: boolean;
    readonly protocol: string;
    readonly cipher: string;
  };
  /** Counts up from 1 while the service runs. */
  readonly associationId: number;
};

export type IncomingInstance = {
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly transferSyntaxUid: Uid;
  readonly peer: PeerInfo;
};

/** Where the data set bytes of one C-STORE go, byte-exact as they came, without a Part 10 header. Calls never overlap. */
export type InstanceSink = {
  /** May return a promise: nothing more is read from the sender until it resolves. After that the chunk is gone: what is to stay has to be copied. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** Durable and known when it resolves: only then the sender hears Success (0000H). What it throws becomes the status that status.ts gives it. */
  commit(): Promise<void>;
  /** Association lost, object too large, write or commit failed: nothing half-written stays. Last call; must not throw. */
  abort(): Promise<void>;
};

/** `detail`: what the reason on the wire is too coarse to say, for people at our end. */
export type AssociationDecision =
  | { readonly accept: true }
  | { readonly accept: false; readonly reason: Rejection; readonly detail?: string };

/** An A-ASSOCIATE-RQ that was turned away, or a TLS handshake that failed before there was one. AE titles are as they came, empty without a request. */
export type RefusedAssociation = {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly remoteAddress: string;
  readonly reason: Rejection | "tls-failed";
  readonly detail?: string;
};

export type ScpHandlers = {
  /** Asked once the request is whole and well-formed. */
  acceptAssociation(peer: PeerInfo): AssociationDecision | Promise<AssociationDecision>;
  /** May throw RefusedError or UnavailableError: the data set is then read to its end and dropped, and the sender hears the status. */
  openInstance(instance: IncomingInstance): InstanceSink | Promise<InstanceSink>;
  /**
   * A node reports on a Storage Commitment that we have asked for; resolves when that is kept for good. RefusedError: no such transaction. Absent:
   * such reports are not taken.
   */
  commitmentReported?(report: CommitmentReport, peer: PeerInfo): void | Promise<void>;
  associationOpened?(peer: PeerInfo): void;
  /** The association ended, however it did, and none of its sinks will be called again. Once for each accepted association. */
  associationClosed(peer: PeerInfo): void;
  associationRefused?(refused: RefusedAssociation): void;
};

export type ScpOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Listens for TLS too, on a port of its own; 0: any free one. */
  readonly tls?: { readonly port: number; readonly identity: TlsIdentity; readonly clientCertificates: ClientCertificates };
  /** Associations at the same time; one more is turned away with "local limit exceeded". Default 64. */
  readonly maxAssociations?: number;
  /** Of these, from one address. Default: as many as there may be at all. */
  readonly maxAssociationsPerPeer?: number;
  /** Longest P-DATA-TF PDU that we ask for in A-ASSOCIATE-AC, bytes. Default 131072. */
  readonly maxPduLength?: number;
  /** Longest P-DATA-TF PDU that we take, bytes: for senders that do not heed what we ask for. Default: what we ask for, which it is never below. */
  readonly acceptedPduLength?: number;
  /** Longest data set, bytes. Default 4 GiB. */
  readonly maxObjectBytes?: number;
  /** An association on which nothing arrives for so long is aborted. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** A message that has begun and brings less, over `paceWindowMs` of the peer's time, ends its association. 0: however slow. Default 1024. */
  readonly minimumBytesPerSecond?: number;
  /** Default 2 min. */
  readonly paceWindowMs?: number;
  /** An association that is older is aborted, whatever it does. Default 4 h. */
  readonly associationTimeoutMs?: number;
  /** From the connection to the end of A-ASSOCIATE-RQ, and for the peer to close a connection that is over. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** In place of the default list, presentation-contexts.ts. Verification is always served. */
  readonly storageSopClasses?: readonly string[];
  /** Storage classes beside that list; `any`: every one of the standard's. Default none. */
  readonly otherStorageSopClasses?: readonly string[] | "any";
  /** In place of all that we can read. */
  readonly transferSyntaxes?: readonly string[];
};
