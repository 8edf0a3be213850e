import type { AeTitle, Uid } from "../domain/ids.ts";
import type { Rejection } from "./rejections.ts";

export type PeerInfo = {
  readonly callingAeTitle: AeTitle;
  readonly calledAeTitle: AeTitle;
  readonly remoteAddress: string;
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
  /** May return a promise: nothing more is read from the sender until it resolves. The chunk is the sink's from then on. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** Durable and known when it resolves: only then the sender hears Success (0000H). What it throws becomes the status that status.ts gives it. */
  commit(): Promise<void>;
  /** Association lost, object too large, write or commit failed: nothing half-written stays. Last call; must not throw. */
  abort(): Promise<void>;
};

export type AssociationDecision = { readonly accept: true } | { readonly accept: false; readonly reason: Rejection };

export type ScpHandlers = {
  /** Asked once the request is whole and well-formed. */
  acceptAssociation(peer: PeerInfo): AssociationDecision;
  /** May throw RefusedError or UnavailableError: the data set is then read to its end and dropped, and the sender hears the status. */
  openInstance(instance: IncomingInstance): Promise<InstanceSink>;
  associationOpened?(peer: PeerInfo): void;
  /** The association ended, however it did, and none of its sinks will be called again. Once for each accepted association. */
  associationClosed(peer: PeerInfo): void;
  /** An A-ASSOCIATE-RQ was turned away. AE titles are as they came. */
  associationRefused?(refused: { callingAeTitle: string; calledAeTitle: string; remoteAddress: string; reason: Rejection }): void;
};

export type ScpOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Associations at the same time; one more is turned away with "local limit exceeded". Default 64. */
  readonly maxAssociations?: number;
  /** Longest P-DATA-TF PDU, offered and enforced, bytes. Default 131072. */
  readonly maxPduLength?: number;
  /** Longest data set, bytes. Default 4 GiB. */
  readonly maxObjectBytes?: number;
  /** An association on which nothing arrives for so long is aborted. Default 60 s. */
  readonly idleTimeoutMs?: number;
  /** From the connection to the end of A-ASSOCIATE-RQ, and for the peer to close a connection that is over. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** In place of the default list, presentation-contexts.ts. Verification is always served. */
  readonly storageSopClasses?: readonly string[];
  /** In place of all that we can read. */
  readonly transferSyntaxes?: readonly string[];
};
