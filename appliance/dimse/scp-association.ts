import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { implementationClassUid, implementationVersionName } from "../dicom/uids.ts";
import { type AeTitle, parseAeTitle } from "../domain/ids.ts";
import { type AssociateRequest, contextResults, dicomApplicationContext } from "./associate-pdu.ts";
import { type CommandSet, commandFields, encodeCommandSet, noDataSet } from "./command-set.ts";
import { type AbortCause, Connection, type UpperLayerUser } from "./connection.ts";
import { IncomingEventReport } from "./event-report.ts";
import { IncomingStore } from "./incoming-store.ts";
import { addressOf } from "./listeners.ts";
import { type MessageEvent, MessageReader } from "./message-reader.ts";
import { type Pace, watchPace } from "./pace.ts";
import { encodeData } from "./pdu.ts";
import type { DataPiece } from "./pdu-reader.ts";
import { negotiate, takesStorage, verificationSopClass } from "./presentation-contexts.ts";
import { ProtocolError } from "./protocol.ts";
import { type Rejection, rejections } from "./rejections.ts";
import type { PeerInfo, ScpHandlers, ScpOptions } from "./scp-contract.ts";
import { commitmentSopClass } from "./services.ts";
import { type Failure, statuses, statusText } from "./status.ts";

export type FilledOptions = Required<Omit<ScpOptions, "tls">> & { readonly tls: ScpOptions["tls"] | null };

/** What one association needs of the server it belongs to. */
export type ScpSite = {
  readonly options: FilledOptions;
  readonly handlers: ScpHandlers;
  readonly log: Log;
  readonly nextAssociationId: () => number;
  /** Why no further association can be taken just now; null when it can. */
  readonly fullness: (remoteAddress: string) => Rejection | null;
};

type Context = { readonly abstractSyntax: string; readonly transferSyntax: string };
/** The request under way: from its command to its response. */
type Request = {
  readonly contextId: number;
  readonly command: CommandSet;
  /** Null: not a C-STORE; its data set, if it has one, is dropped. */
  readonly store: IncomingStore | null;
  /** Set: a report of Storage Commitment. */
  readonly report?: IncomingEventReport | null;
  readonly failure: Failure | null;
};

/** One peer's connection to the SCP: answers C-ECHO, takes C-STORE. */
export class ScpAssociation implements UpperLayerUser {
  readonly #site: ScpSite;
  readonly #connection: Connection;
  readonly remoteAddress: string;
  readonly #tls: PeerInfo["tls"];
  readonly #openedAt = performance.now();
  readonly #contexts = new Map<number, Context>();
  readonly #messages = new MessageReader((contextId) => this.#contexts.has(contextId));
  readonly #ended: () => void;
  #peer: PeerInfo | null = null;
  #peerMaxPduLength = 0;
  #request: Request | null = null;
  #idle: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #endPaceWatch = (): void => {};
  #stored = 0;
  #storedBytes = 0;
  #end: string = "connection closed";
  #settled: Promise<void> | null = null;

  /** @param ended called once the connection is gone and its last sink is settled */
  constructor(socket: Socket, site: ScpSite, ended: () => void) {
    this.#site = site;
    this.#ended = ended;
    this.remoteAddress = addressOf(socket);
    this.#tls = socket instanceof TLSSocket ? tlsOf(socket) : undefined;
    this.#connection = new Connection("acceptor", socket, this, {
      maxPduLength: site.options.acceptedPduLength,
      artimMs: site.options.handshakeTimeoutMs,
    });
  }

  /** Accepted and not yet over. */
  get isOpen(): boolean {
    return this.#peer !== null && this.#connection.state >= 6 && this.#connection.state <= 12;
  }
  abort(): void {
    this.#end = "aborted by us";
    if (!this.#connection.abort()) this.#connection.destroy();
  }

  associateIndicated(request: AssociateRequest): void {
    const peer = this.#identify(request);
    if (typeof peer === "string") this.#refuse(request, { reason: peer });
    else if (request.applicationContext !== dicomApplicationContext) this.#refuse(request, { reason: "application-context-not-supported" });
    else void this.#decide(request, peer);
  }

  /** Never rejects. */
  async #decide(request: AssociateRequest, peer: PeerInfo): Promise<void> {
    try {
      const asked = this.#site.handlers.acceptAssociation(peer);
      const decision = asked instanceof Promise ? await asked : asked; // a decision at hand is not put off
      if (this.#connection.state !== 3) return; // the peer did not wait for the answer
      const fullness = decision.accept ? this.#site.fullness(this.remoteAddress) : null;
      if (!decision.accept) this.#refuse(request, decision);
      else if (fullness) this.#refuse(request, { reason: fullness });
      else this.#accept(request, peer);
    } catch (error) {
      this.failed(error);
      this.abort();
    }
  }

  #identify({ callingAeTitle, calledAeTitle }: AssociateRequest): PeerInfo | Rejection {
    const parse = (title: string): AeTitle | null => {
      try {
        return parseAeTitle(title);
      } catch {
        return null; // RefusedError, the only one it throws: the title is none
      }
    };
    const calling = parse(callingAeTitle);
    const called = parse(calledAeTitle);
    if (!called) return "called-ae-not-recognized";
    if (!calling) return "calling-ae-not-recognized";
    const associationId = this.#site.nextAssociationId();
    return {
      callingAeTitle: calling,
      calledAeTitle: called,
      remoteAddress: this.remoteAddress,
      ...(this.#tls && { tls: this.#tls }),
      associationId,
    };
  }

  #refuse({ callingAeTitle, calledAeTitle }: AssociateRequest, why: { readonly reason: Rejection; readonly detail?: string }): void {
    this.#connection.reject(rejections[why.reason]);
    const { reason, detail } = why;
    const refused = { callingAeTitle, calledAeTitle, remoteAddress: this.remoteAddress, reason, ...(detail !== undefined && { detail }) };
    this.#site.log.warn("association-refused", refused);
    this.#site.handlers.associationRefused?.(refused);
  }

  #accept(request: AssociateRequest, peer: PeerInfo): void {
    const { options, handlers, log } = this.#site;
    const contexts = negotiate(
      request.contexts,
      (uid) => uid === verificationSopClass || takesStorage(uid, options) || this.#takesReports(uid),
      (uid) => options.transferSyntaxes.includes(uid),
    );
    const proposed = new Map(request.contexts.map((context) => [context.id, context.abstractSyntax]));
    for (const { id, result, transferSyntax } of contexts)
      if (result === contextResults.acceptance) this.#contexts.set(id, { abstractSyntax: proposed.get(id)!, transferSyntax });
    this.#peer = peer;
    this.#peerMaxPduLength = request.userInformation.maxPduLength;
    // PS3.4 J.3.3: who reports is the SCP of that class, and says so
    const roles = request.userInformation.roles?.filter(({ sopClassUid, scp }) => scp && this.#takesReports(sopClassUid)) ?? [];
    const { tls, ...plain } = peer;
    log.info("association-opened", {
      ...plain,
      tls: tls ? `${tls.protocol} ${tls.cipher}` : "none",
      contexts: contexts.length,
      acceptedContexts: this.#contexts.size,
    });
    handlers.associationOpened?.(peer);
    this.#watchIdle(options.idleTimeoutMs);
    this.#deadline = setTimeout(() => this.#cut("association-too-long"), options.associationTimeoutMs);
    this.#watchPace();
    this.#connection.accept({
      ...request, // PS3.8 section 9.3.3: both AE titles go back as they came
      protocolVersion: 1,
      contexts,
      userInformation: { maxPduLength: options.maxPduLength, implementationClassUid, implementationVersionName, roles },
    });
  }
  #takesReports(uid: string): boolean {
    return uid === commitmentSopClass && this.#site.handlers.commitmentReported !== undefined;
  }

  dataIndicated(piece: DataPiece): void | Promise<void> {
    const event = this.#messages.read(piece);
    if (event?.type === "command") return this.#begin(event);
    if (event?.type === "data-set") return this.#continue(event.bytes, event.isEnd);
  }

  #begin({ contextId, command, hasDataSet }: MessageEvent & { type: "command" }): void | Promise<void> {
    const field = command.commandField ?? 0;
    if (field === commandFields.cCancelRequest && !hasDataSet) return; // nothing to cancel: no response, PS3.7 section 9.3.2.3
    if (field & 0x8000) throw new ProtocolError("a response to a request that was not made");
    if (command.messageId === undefined) throw new ProtocolError("a request without a message id");
    const isStore = field === commandFields.cStoreRequest && hasDataSet;
    const store = isStore ? new IncomingStore(this.#site.options.maxObjectBytes) : null;
    const report = hasDataSet ? this.#reportOf(command, this.#contexts.get(contextId)!) : null;
    this.#request = { contextId, command, store, report, failure: failureOfRequest(field) };
    if (store && this.#peer) return store.open(command, this.#contexts.get(contextId)!, this.#site.handlers, this.#peer);
    if (!hasDataSet) this.#respond(this.#request.failure);
  }

  #reportOf(command: CommandSet, context: Context): IncomingEventReport | null {
    if (!IncomingEventReport.is(command, context)) return null;
    return new IncomingEventReport(command, context, (report) => this.#site.handlers.commitmentReported?.(report, this.#peer!));
  }

  #continue(bytes: Buffer, isEnd: boolean): void | Promise<void> {
    const report = this.#request?.report;
    if (report) {
      report.write(bytes);
      return isEnd ? report.finish().then((answer) => this.#answer(answer)) : undefined;
    }
    const store = this.#request?.store;
    const pending = store?.write(bytes);
    if (!isEnd) return pending;
    if (!store) return this.#respond(this.#request?.failure ?? null);
    return this.#finish(store, pending);
  }

  async #finish(store: IncomingStore, pending: void | Promise<void>): Promise<void> {
    await pending;
    const failure = await store.finish();
    if (failure) this.#noteFailure(failure, store.cause);
    else {
      this.#stored++;
      this.#storedBytes += store.bytes;
    }
    this.#respond(failure);
  }

  #noteFailure({ status }: Failure, cause: unknown): void {
    const fields = { associationId: this.#peer?.associationId, status: statusText(status), message: messageOf(cause) };
    if (status === statuses.processingFailure)
      this.#site.log.error("instance-failed", { ...fields, stack: cause instanceof Error ? cause.stack : undefined });
    else this.#site.log.warn("instance-refused", fields);
  }

  /** PS3.7 sections 9.3.1.2 and 9.3.5.2. */
  #respond(failure: Failure | null): void {
    const { command } = this.#request!;
    const isEcho = command.commandField === commandFields.cEchoRequest;
    this.#answer({
      ...(command.affectedSopClassUid !== undefined && { affectedSopClassUid: command.affectedSopClassUid }),
      ...(!isEcho && command.affectedSopInstanceUid !== undefined && { affectedSopInstanceUid: command.affectedSopInstanceUid }),
      status: failure?.status ?? statuses.success,
      ...(failure && { errorComment: failure.comment }),
    });
  }
  /** What a response says beside which request it is to. */
  #answer(what: CommandSet): void {
    const { contextId, command } = this.#request!;
    this.#request = null;
    const response = encodeCommandSet({
      ...what,
      commandField: (command.commandField ?? 0) | 0x8000,
      messageIdBeingRespondedTo: command.messageId ?? 0,
      commandDataSetType: noDataSet,
    });
    this.#connection.sendData([encodeData(contextId, true, response, this.#peerMaxPduLength)]);
  }

  releaseIndicated(): void {
    this.#end = "released";
    this.#connection.respondToRelease();
    // The association is over; the connection may linger until the peer closes it, and nothing should wait for that
    this.#settled ??= this.#settle();
  }
  releaseConfirmed(): void {
    this.#connection.respondToRelease(); // only after a release collision, which an SCP that never releases does not see
  }
  abortIndicated(cause: AbortCause): void {
    this.#end = cause.by === "us" ? "protocol error" : cause.by === "peer" ? "aborted by the peer" : "connection lost";
    const fields = { associationId: this.#peer?.associationId, remoteAddress: this.remoteAddress, message: cause.message };
    if (cause.by === "us") this.#site.log.warn("protocol-error", fields);
    else this.#site.log.info("association-aborted", fields);
  }
  failed(error: unknown): void {
    this.#site.log.error("association-failed", {
      associationId: this.#peer?.associationId,
      message: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
  closed(): void {
    this.#settled ??= this.#settle();
    void this.#settled.then(this.#ended);
  }

  /** Throws away what came half-way and tells that the association ended. Never rejects. */
  async #settle(): Promise<void> {
    clearTimeout(this.#idle);
    clearTimeout(this.#deadline);
    this.#endPaceWatch();
    try {
      await this.#request?.store?.abandon();
    } catch (error) {
      this.failed(error); // a sink's abort must not throw; if it does, the association still has to end
    }
    try {
      if (this.#peer) this.#noteEnd(this.#peer);
    } catch (error) {
      this.failed(error);
    }
  }

  #noteEnd(peer: PeerInfo): void {
    this.#site.log.info("association-closed", {
      associationId: peer.associationId,
      end: this.#end,
      stored: this.#stored,
      storedBytes: this.#storedBytes,
      durationMs: Math.round(performance.now() - this.#openedAt),
    });
    this.#site.handlers.associationClosed(peer);
  }

  #watchIdle(delayMs: number): void {
    this.#idle = setTimeout(() => {
      const leftMs = this.#site.options.idleTimeoutMs - this.#connection.quietMs;
      if (leftMs > 0) return this.#watchIdle(leftMs);
      this.#cut("association-idle");
    }, delayMs);
  }

  #watchPace(): void {
    const { minimumBytesPerSecond, paceWindowMs } = this.#site.options;
    const read = (): Pace => {
      const pace = this.#connection.pace;
      return { ...pace, messages: this.#messages.finished, isUnderWay: pace.isUnderWay || !this.#messages.isBetweenMessages };
    };
    this.#endPaceWatch = watchPace(read, minimumBytesPerSecond, paceWindowMs, () => this.#cut("association-too-slow"));
  }

  /** Ends an association that used up its time. */
  #cut(event: "association-idle" | "association-too-long" | "association-too-slow"): void {
    this.#site.log.warn(event, { associationId: this.#peer?.associationId });
    this.abort();
  }
}

function tlsOf(socket: TLSSocket): NonNullable<PeerInfo["tls"]> {
  return { isAuthorized: socket.authorized, protocol: socket.getProtocol() ?? "", cipher: socket.getCipher().standardName };
}

/** What is wrong with a request before its data set came; null for C-ECHO, and for a C-STORE until its bytes say more. */
function failureOfRequest(field: number): Failure | null {
  if (field === commandFields.cEchoRequest) return null;
  if (field === commandFields.cStoreRequest) return { status: statuses.cannotUnderstand, comment: "C-STORE without a data set" };
  return { status: statuses.unrecognizedOperation, comment: "only C-ECHO and C-STORE are served" };
}
