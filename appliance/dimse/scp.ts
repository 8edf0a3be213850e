import type { Socket } from "node:net";
import type { Log } from "../base/log.ts";
import { Listeners } from "./listeners.ts";
import { defaultStorageSopClasses, defaultTransferSyntaxes } from "./presentation-contexts.ts";
import type { Rejection } from "./rejections.ts";
import { type FilledOptions, ScpAssociation, type ScpSite } from "./scp-association.ts";
import type { ScpHandlers, ScpOptions } from "./scp-contract.ts";
import type { TlsIdentity } from "./tls.ts";

export type {
  AssociationDecision,
  IncomingInstance,
  InstanceSink,
  PeerInfo,
  RefusedAssociation,
  ScpHandlers,
  ScpOptions,
} from "./scp-contract.ts";

export const scpDefaults = {
  maxAssociations: 64,
  maxPduLength: 131_072,
  maxObjectBytes: 4 * 1024 ** 3,
  idleTimeoutMs: 60_000,
  minimumBytesPerSecond: 1024,
  paceWindowMs: 120_000,
  associationTimeoutMs: 4 * 3_600_000,
  handshakeTimeoutMs: 10_000,
  storageSopClasses: defaultStorageSopClasses,
  otherStorageSopClasses: [],
  transferSyntaxes: defaultTransferSyntaxes,
} as const satisfies Partial<ScpOptions>;

/** Listens for associations and serves Verification and Storage. Resolves when it listens; rejects when the port can't be had. */
export async function startScp(options: ScpOptions, handlers: ScpHandlers, log: Log): Promise<Scp> {
  const filled = { ...scpDefaults, ...options };
  const { maxPduLength, acceptedPduLength = 0, maxAssociationsPerPeer = filled.maxAssociations } = filled;
  const scp = new Scp(
    { ...filled, acceptedPduLength: Math.max(acceptedPduLength, maxPduLength), maxAssociationsPerPeer, tls: options.tls ?? null },
    handlers,
    log,
  );
  await scp.listen();
  return scp;
}

/** A Storage and Verification SCP that listens. */
export class Scp {
  readonly #options: FilledOptions;
  readonly #listeners: Listeners;
  /** Every connection, whatever its state. */
  readonly #associations = new Set<ScpAssociation>();
  #lastAssociationId = 0;
  #isClosing = false;
  #whenEmpty: (() => void) | null = null;

  constructor(options: FilledOptions, handlers: ScpHandlers, log: Log) {
    this.#options = options;
    const site: ScpSite = {
      options,
      handlers,
      log,
      nextAssociationId: () => ++this.#lastAssociationId,
      fullness: (remoteAddress) => this.#fullness(remoteAddress),
    };
    const serve = (socket: Socket): void => {
      const association = new ScpAssociation(socket, site, () => this.#gone(association));
      this.#associations.add(association);
    };
    const tlsFailed = (remoteAddress: string): void =>
      handlers.associationRefused?.({ callingAeTitle: "", calledAeTitle: "", remoteAddress, reason: "tls-failed" });
    this.#listeners = new Listeners(options, serve, tlsFailed, log);
  }

  listen(): Promise<void> {
    return this.#listeners.listen();
  }
  get port(): number {
    return this.#listeners.port;
  }
  /** Null where TLS is not spoken. */
  get tlsPort(): number | null {
    return this.#listeners.tlsPort;
  }
  /** New connections are shown another certificate; those that are open go on with the one they know. Throws where key and certificate don't fit. */
  setTlsIdentity(identity: TlsIdentity): void {
    this.#listeners.setTlsIdentity(identity);
  }

  /** Associations that are open now. */
  get associations(): number {
    let open = 0;
    for (const association of this.#associations) if (association.isOpen) open++;
    return open;
  }
  #associationsFrom(remoteAddress: string): number {
    let open = 0;
    for (const association of this.#associations) if (association.isOpen && association.remoteAddress === remoteAddress) open++;
    return open;
  }

  /** Takes no new association; those that are open may go on for `graceMs` and are then aborted. Resolves when all are gone and settled. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#listeners.close();
    for (const association of this.#associations) if (!association.isOpen) association.abort();
    const cut = setTimeout(() => {
      for (const association of this.#associations) association.abort();
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      if (this.#associations.size === 0) resolve();
    });
    clearTimeout(cut);
  }

  #fullness(remoteAddress: string): Rejection | null {
    if (this.#isClosing) return "temporary-congestion";
    const { maxAssociations, maxAssociationsPerPeer } = this.#options;
    const isFull = this.associations >= maxAssociations || this.#associationsFrom(remoteAddress) >= maxAssociationsPerPeer;
    return isFull ? "local-limit-exceeded" : null;
  }

  #gone(association: ScpAssociation): void {
    this.#associations.delete(association);
    if (this.#associations.size === 0) this.#whenEmpty?.();
  }
}
