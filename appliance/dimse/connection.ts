import type { Socket } from "node:net";
import { messageOf } from "../base/errors.ts";
import type { AssociateAccept, AssociateRequest } from "./associate-pdu.ts";
import type { Pace } from "./pace.ts";
import { type Abort, type AssociateReject, encodePdu, type Pdu } from "./pdu.ts";
import { type DataPiece, PduReader, type ReaderEvent } from "./pdu-reader.ts";
import { abortReasons, abortSources, ProtocolError } from "./protocol.ts";
import { rejections } from "./rejections.ts";
import { type State, type Step, states, step, type UpperLayerEvent } from "./upper-layer.ts";

/** Why an association ended before its release. `by` is ours, the peer's, or the network's. */
export type AbortCause = Abort & { readonly by: "us" | "peer" | "network"; readonly message: string };

/** What the upper layer tells its user: the indication and confirmation primitives of PS3.8 section 7. */
export type UpperLayerUser = {
  associateIndicated?(request: AssociateRequest): void;
  associateConfirmed?(accept: AssociateAccept): void;
  associateRejected?(reject: AssociateReject): void;
  /**
   * While the promise is pending nothing more is read: back-pressure down to the peer's TCP window. The bytes are there until it resolves, or
   * until the call returns where there is none: what is to stay has to be copied.
   */
  dataIndicated(piece: DataPiece): void | Promise<void>;
  releaseIndicated(): void;
  releaseConfirmed(): void;
  abortIndicated(cause: AbortCause): void;
  /** `dataIndicated` threw what is no ProtocolError: a fault of ours. The association has been aborted. */
  failed(error: unknown): void;
  /** The transport connection is gone and no `dataIndicated` runs any more. Once, last. */
  closed(): void;
};

export type ConnectionOptions = {
  /** Longest P-DATA-TF PDU that is read. */
  readonly maxPduLength: number;
  /** ARTIM, PS3.8 section 9.1.5: how long a peer may take to send its whole A-ASSOCIATE-RQ, and to close a connection that is over. */
  readonly artimMs: number;
  /** "connect" for net, "secureConnect" for tls. */
  readonly connectedEvent?: "connect" | "secureConnect";
};

/** What an event of the machine brings along for the action that answers it. */
type Detail = {
  /** Writes the PDU of a local request. */
  readonly send?: () => void;
  /** Tells the user. */
  readonly indicate?: () => void;
  readonly cause?: AbortCause;
  readonly takesSecondWay?: boolean;
};

/** One transport connection under the machine of upper-layer.ts. Works on any net.Socket, a tls.Socket included. */
export class Connection {
  readonly #socket: Socket;
  readonly #user: UpperLayerUser;
  readonly #options: ConnectionOptions;
  readonly #role: "requestor" | "acceptor";
  readonly #reader: PduReader;
  readonly #chunks: Buffer[] = [];
  #state: State = 1;
  #artim: NodeJS.Timeout | undefined;
  #isReading = false;
  /** Since when we keep the peer waiting; null: it is the peer's turn. */
  #busySince: number | null = null;
  #busyMs = 0;
  #isGone = false;
  #socketError: Error | undefined;
  readonly #openedAt = performance.now();
  #arrivedAt = this.#openedAt;

  /** @param socket a requestor's is still connecting, an acceptor's comes from a server and is open */
  constructor(role: "requestor" | "acceptor", socket: Socket, user: UpperLayerUser, options: ConnectionOptions) {
    this.#role = role;
    this.#socket = socket;
    this.#user = user;
    this.#options = options;
    this.#reader = new PduReader(options.maxPduLength);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#arrived(chunk));
    socket.on("error", (error) => {
      this.#socketError = error; // "close" follows and tells the user
    });
    socket.on("close", () => this.#transportClosed());
    if (role === "acceptor") this.#happened(5);
  }

  /** Sends A-ASSOCIATE-RQ as soon as the socket is connected. */
  associate(request: AssociateRequest): void {
    this.#happened(1);
    this.#socket.once(this.#options.connectedEvent ?? "connect", () =>
      this.#happened(2, { send: () => this.#write({ ...request, type: "associate-request" }) }),
    );
  }
  accept(accept: AssociateAccept): boolean {
    return this.#happened(7, { send: () => this.#write({ ...accept, type: "associate-accept" }) });
  }
  reject(reject: AssociateReject): boolean {
    return this.#happened(8, { send: () => this.#write({ ...reject, type: "associate-reject" }) });
  }
  /** Sends whole P-DATA-TF PDUs. `onSent` is called when they left our memory, or with an error. False, and no call: the association is over. */
  sendData(pdus: readonly Uint8Array[], onSent?: (error?: Error | null) => void): boolean {
    const send = () => {
      this.#socket.cork();
      for (const [index, bytes] of pdus.entries()) this.#socket.write(bytes, index === pdus.length - 1 ? onSent : undefined);
      this.#socket.uncork();
    };
    return this.#happened(9, { send });
  }
  release(): boolean {
    return this.#happened(11, { send: () => this.#write({ type: "release-request" }) });
  }
  respondToRelease(): boolean {
    return this.#happened(14, { send: () => this.#write({ type: "release-response" }) });
  }
  /** Sends A-ABORT and ends. The user hears no `abortIndicated` of its own abort, only `closed`. */
  abort(): boolean {
    return this.#happened(15);
  }
  /** Ends at once, without a word to the peer. */
  destroy(): void {
    this.#socket.destroy();
  }

  get state(): State {
    return this.#state;
  }
  /** The error that the socket ended with. */
  get socketError(): Error | undefined {
    return this.#socketError;
  }
  /** Monotonic ms since something came from the peer; 0 while it is us who keep it waiting. */
  get quietMs(): number {
    return this.#busySince !== null ? 0 : performance.now() - this.#arrivedAt;
  }
  /** How the peer sends, as far as PDUs show. */
  get pace(): Omit<Pace, "messages"> {
    return {
      receivedBytes: this.#socket.bytesRead,
      waitedMs: (this.#busySince ?? performance.now()) - this.#openedAt - this.#busyMs,
      isUnderWay: !this.#reader.isBetweenPdus,
    };
  }

  /** Looks the event up, moves on, does the action. False for an empty cell: a local request that came too late to matter. */
  #happened(event: UpperLayerEvent, detail: Detail = {}): boolean {
    const way = step(this.#state, event, detail.takesSecondWay);
    if (!way) return false;
    this.#state = way.next;
    for (const each of way.steps) this.#do(each, detail);
    return true;
  }

  #do(each: Step, { send, indicate, cause }: Detail): void {
    switch (each) {
      case "send":
        send?.();
        break;
      case "send-abort-as-user":
        this.#write({ type: "abort", source: abortSources.serviceUser, reason: abortReasons.notSpecified });
        break;
      case "send-abort-as-provider":
        this.#write({ type: "abort", source: abortSources.serviceProvider, reason: cause?.reason ?? abortReasons.notSpecified });
        break;
      case "send-reject-as-provider":
        this.#write({ type: "associate-reject", ...rejections["protocol-version-not-supported"] });
        break;
      case "indicate":
        indicate?.();
        break;
      case "indicate-abort":
        if (cause) this.#user.abortIndicated(cause);
        break;
      case "start-artim":
        clearTimeout(this.#artim);
        this.#artim = setTimeout(() => this.#happened(18), this.#options.artimMs);
        break;
      case "stop-artim":
        clearTimeout(this.#artim);
        break;
      case "close":
        clearTimeout(this.#artim);
        this.#socket.destroy();
        break;
      default:
        each satisfies never;
    }
  }

  #arrived(chunk: Buffer): void {
    this.#arrivedAt = performance.now();
    this.#chunks.push(chunk);
    if (!this.#isReading) void this.#read();
    else this.#socket.pause(); // not before: a peer that waits for our answer sends nothing, mostly
  }

  /** Reads what arrived, piece by piece. Never rejects: what goes wrong ends the association. */
  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      for (let chunk = this.#chunks.shift(); chunk; chunk = this.#chunks.shift()) {
        for (const event of this.#reader.read(chunk)) {
          const pending = this.#received(event);
          if (pending) await this.#letUserWork(pending);
          if (this.#socket.writableNeedDrain) await this.#letPeerRead();
        }
        giveBack(chunk);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isReading = false;
      if (this.#socket.isPaused()) this.#socket.resume(); // also after a failure: the peer's close must be seen
      if (this.#isGone) this.#user.closed();
    }
  }

  /** Takes up nothing more until the user is done. */
  async #letUserWork(pending: Promise<void>): Promise<void> {
    const since = performance.now();
    this.#busySince = since;
    try {
      await pending;
    } finally {
      this.#busySince = null;
      this.#arrivedAt = performance.now();
      this.#busyMs += this.#arrivedAt - since;
    }
  }

  /** A peer that asks and does not read what we answer gets no further answers, lest they pile up in our memory. */
  async #letPeerRead(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.pause().once("drain", resolve).once("close", resolve);
    await promise;
    this.#socket.off("drain", resolve).off("close", resolve);
  }

  #fail(error: unknown): void {
    const reason = error instanceof ProtocolError ? error.abortReason : abortReasons.notSpecified;
    const cause = { by: "us", source: abortSources.serviceProvider, reason, message: messageOf(error) } as const;
    this.#happened(19, { cause });
    if (!(error instanceof ProtocolError)) this.#user.failed(error);
  }

  #received(event: ReaderEvent): void | Promise<void> {
    const cause = {
      by: "us",
      source: abortSources.serviceProvider,
      reason: abortReasons.unexpectedPdu,
      message: `${event.type} came while ${states[this.#state]}`,
    } as const;
    switch (event.type) {
      case "data":
        return this.#state === 6 || this.#state === 7 ? this.#user.dataIndicated(event) : undefined;
      case "data-pdu":
        this.#happened(10, { cause });
        return;
      case "associate-request": {
        // PS3.8 section 9.3.2: only bit 0 of the version is tested
        const takesSecondWay = (event.protocolVersion & 1) === 0;
        this.#happened(6, { cause, takesSecondWay, indicate: () => this.#user.associateIndicated?.(event) });
        return;
      }
      case "associate-accept":
        this.#happened(3, { cause, indicate: () => this.#user.associateConfirmed?.(event) });
        return;
      case "associate-reject":
        this.#happened(4, { cause, indicate: () => this.#user.associateRejected?.(event) });
        return;
      case "release-request":
        this.#happened(12, {
          cause,
          takesSecondWay: this.#role === "acceptor",
          indicate: () => this.#user.releaseIndicated(),
        });
        return;
      case "release-response":
        this.#happened(13, { cause, indicate: () => this.#user.releaseConfirmed() });
        return;
      case "abort":
        this.#happened(16, {
          cause: {
            by: "peer",
            source: event.source,
            reason: event.reason,
            message: `the peer aborted (source ${event.source}, reason ${event.reason})`,
          },
        });
        return;
      default:
        return event satisfies never;
    }
  }

  #transportClosed(): void {
    const message = this.#socketError ? this.#socketError.message : "the peer closed the connection";
    this.#happened(17, { cause: { by: "network", source: abortSources.serviceProvider, reason: abortReasons.notSpecified, message } });
    clearTimeout(this.#artim);
    this.#isGone = true;
    if (!this.#isReading) this.#user.closed();
  }

  #write(pdu: Pdu): void {
    this.#socket.write(encodePdu(pdu));
  }
}

/**
 * Gives the memory of a chunk back at once. V8 sees a small object and takes its time to collect it, while 64 KiB stand outside of its heap; with
 * this a chunk gets the memory of the one before it, which the processor still has at hand.
 */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
