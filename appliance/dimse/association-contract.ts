import type { CommandSet } from "./command-set.ts";
import type { TlsIdentity } from "./tls.ts";

export type AssociationTimeouts = {
  /** Until the transport connection is open. */
  readonly connectMs: number;
  /** From there to the peer's answer to A-ASSOCIATE-RQ. */
  readonly associateMs: number;
  /** Until the peer takes the next bytes, and from the last byte of a request to its response. */
  readonly responseMs: number;
  /** From A-RELEASE-RQ to its response. */
  readonly releaseMs: number;
};
export const defaultTimeouts: AssociationTimeouts = { connectMs: 10_000, associateMs: 30_000, responseMs: 120_000, releaseMs: 10_000 };

export type AssociationOptions = {
  readonly signal?: AbortSignal;
  readonly timeouts?: Partial<AssociationTimeouts>;
  /** Who we are to a node that speaks TLS; without it such a node can't be called. */
  readonly tls?: TlsIdentity | undefined;
  /** What a response may be cut into, bytes. */
  readonly maxPduLength?: number;
  /** Serves what the peer asks of us on this association; absent: nothing, and a peer that asks is cut off. */
  readonly serves?: RequestServer;
};

/** What we would like to send: one presentation context each. `roles`: where we want to be something other than the SCU of that class. */
export type WantedContext = {
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
  readonly roles?: { readonly scu: boolean; readonly scp: boolean };
};

export type AcceptedContext = { readonly id: number; readonly abstractSyntax: string; readonly transferSyntax: string };

/** Serves the requests of a peer on an association that we asked for, one at a time; calls never overlap, and while one is pending nothing is read. */
export type RequestServer = {
  begin(command: CommandSet, context: AcceptedContext): void | Promise<void>;
  write(bytes: Buffer): void | Promise<void>;
  /** The data set has ended, or there is none: what the response says beside its command field and message id. */
  finish(): CommandSet | Promise<CommandSet>;
  /** The association ended within a request. Must not throw. */
  abandon(): Promise<void>;
};
