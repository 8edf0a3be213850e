import { connect, type Socket } from "node:net";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { nodeLookup } from "../config/no-node.ts";
import { implementationClassUid, implementationVersionName } from "../dicom/uids.ts";
import type { AeTitle } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import { type AssociateAccept, contextResults, dicomApplicationContext, type ProposedContext } from "./associate-pdu.ts";
import {
  type AcceptedContext,
  type AssociationOptions,
  type AssociationTimeouts,
  defaultTimeouts,
  type RequestServer,
  type WantedContext,
} from "./association-contract.ts";
import { type CommandSet, commandFields, encodeCommandSet, isResponse, noDataSet } from "./command-set.ts";
import { type AbortCause, Connection, type UpperLayerUser } from "./connection.ts";
import { type MessageEvent, MessageReader } from "./message-reader.ts";
import { networkFailure } from "./network-failure.ts";
import { type AssociateReject, encodeData } from "./pdu.ts";
import type { DataPiece } from "./pdu-reader.ts";
import { ProtocolError } from "./protocol.ts";
import { rejectionOf } from "./rejections.ts";
import { type Response, ResponseReader } from "./response-reader.ts";
import { ServedRequest } from "./served-request.ts";
import { connectSecurely, type TlsIdentity } from "./tls.ts";

export type { AcceptedContext, AssociationOptions, RequestServer, WantedContext } from "./association-contract.ts";

/**
 * Connects to a node and negotiates. Throws UnavailableError `peer-unreachable`, `peer-refused-connection`, `peer-timeout` or
 * `association-aborted`, and `tls-failed`; for `association-rejected` RefusedError or UnavailableError, as the peer calls it permanent or transient. The
 * signal's reason when it is given up.
 */
export async function openAssociation(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  wanted: readonly WantedContext[],
  { signal, timeouts = {}, maxPduLength = 131_072, tls, serves }: AssociationOptions = {},
): Promise<Association> {
  signal?.throwIfAborted();
  const contexts = wanted.map((context, index) => ({ ...context, id: 2 * index + 1 }));
  if (contexts.length === 0 || contexts.length > 128)
    throw new RefusedError("presentation-contexts-count", `expected 1 to 128 presentation contexts, found ${contexts.length}`);
  if (node.tls && !tls) throw new RefusedError("tls-not-set-up", `${node.name} speaks TLS, and this box has no certificate (dicom.tls)`);
  const association = new Association(
    node,
    contexts,
    { ...defaultTimeouts, ...timeouts },
    {
      maxPduLength,
      signal,
      tls: node.tls && tls,
      serves,
    },
  );
  await association.open(callingAeTitle);
  return association;
}

type Settings = {
  readonly maxPduLength: number;
  readonly signal: AbortSignal | undefined;
  readonly tls: TlsIdentity | undefined;
  readonly serves: RequestServer | undefined;
};

/** An association that we asked for. One request at a time. */
export class Association implements UpperLayerUser {
  readonly #node: RemoteNode;
  readonly #proposed: readonly (ProposedContext & WantedContext)[];
  readonly #timeouts: AssociationTimeouts;
  readonly #maxPduLength: number;
  readonly #signal: AbortSignal | undefined;
  readonly #serves: RequestServer | undefined;
  readonly #accepted = new Map<number, string>();
  readonly #messages = new MessageReader((contextId) => this.#accepted.has(contextId));
  readonly #socket: Socket;
  readonly #connectedEvent: "connect" | "secureConnect";
  #isConnected = false;
  readonly #connection: Connection;
  readonly #gone = Promise.withResolvers<void>();
  /** Who waits for the peer: for its answer to A-ASSOCIATE-RQ, a response, bytes to leave, or A-RELEASE-RP. */
  #waiting: { resolve: (answer: Response | null) => void; reject: (error: Error) => void; readonly timer: NodeJS.Timeout } | null = null;
  #responses: ResponseReader | null = null;
  #response: Response | null = null;
  /** What the peer asks of us just now. */
  #served: ServedRequest | null = null;
  #lastMessageId = 0;
  #peerMaxPduLength = 0;
  #failure: Error | null = null;

  constructor(
    node: RemoteNode,
    contexts: readonly (ProposedContext & WantedContext)[],
    timeouts: AssociationTimeouts,
    { maxPduLength, signal, tls, serves }: Settings,
  ) {
    this.#node = node;
    this.#proposed = contexts;
    this.#timeouts = timeouts;
    this.#maxPduLength = maxPduLength;
    this.#signal = signal;
    this.#serves = serves;
    this.#socket = tls ? connectSecurely(node, tls) : connect({ host: node.host, port: node.port, lookup: nodeLookup(node.host) });
    this.#connectedEvent = tls ? "secureConnect" : "connect";
    this.#connection = new Connection("requestor", this.#socket, this, {
      maxPduLength,
      artimMs: 1_000,
      connectedEvent: this.#connectedEvent,
    });
    signal?.addEventListener("abort", this.#giveUp, { once: true });
  }

  async open(callingAeTitle: AeTitle): Promise<void> {
    const roles = this.#proposed.flatMap(({ abstractSyntax, roles }) => (roles ? [[abstractSyntax, roles] as const] : []));
    const selections = [...new Map(roles)].map(([sopClassUid, { scu, scp }]) => ({ sopClassUid, scu, scp }));
    this.#connection.associate({
      protocolVersion: 1,
      calledAeTitle: this.#node.aeTitle,
      callingAeTitle,
      applicationContext: dicomApplicationContext,
      contexts: this.#proposed,
      userInformation: { maxPduLength: this.#maxPduLength, implementationClassUid, implementationVersionName, roles: selections },
    });
    const connecting = setTimeout(() => this.#end(this.#timeout("connecting", this.#timeouts.connectMs)), this.#timeouts.connectMs);
    this.#socket.once(this.#connectedEvent, () => {
      this.#isConnected = true;
      clearTimeout(connecting);
    });
    try {
      await this.#wait("an answer to A-ASSOCIATE-RQ", this.#timeouts.connectMs + this.#timeouts.associateMs);
    } finally {
      clearTimeout(connecting);
    }
  }

  /** The accepted context for a class in one transfer syntax; null when the peer refused it. */
  contextFor(abstractSyntax: string, transferSyntax: string): number | null {
    for (const { id, abstractSyntax: proposed } of this.#proposed)
      if (proposed === abstractSyntax && this.#accepted.get(id) === transferSyntax) return id;
    return null;
  }
  /** The contexts that the peer has accepted, in our order. */
  get contexts(): AcceptedContext[] {
    return this.#proposed.flatMap(({ id, abstractSyntax }) => {
      const transferSyntax = this.#accepted.get(id);
      return transferSyntax === undefined ? [] : [{ id, abstractSyntax, transferSyntax }];
    });
  }
  /** Longest P-DATA-TF PDU that the peer takes, 0 for any. */
  get peerMaxPduLength(): number {
    return this.#peerMaxPduLength;
  }
  /** Why nothing more can be sent; null while the association stands. */
  get failure(): Error | null {
    return this.#failure;
  }
  nextMessageId(): number {
    this.#lastMessageId = (this.#lastMessageId % 0xffff) + 1;
    return this.#lastMessageId;
  }

  /** As {@link exchange}, for requests with one response and no data set in it. */
  async request(contextId: number, command: CommandSet, sendDataSet?: (commandPdus: Uint8Array) => Promise<void>): Promise<CommandSet> {
    return (await this.exchange(contextId, command, { sendDataSet })).command;
  }

  /**
   * Sends a command, lets `sendDataSet` send what belongs to it, and waits for the final response; pending ones go to `onPending` as they
   * come. Rejects when the association ends or the peer is silent for too long; the association is then over.
   */
  async exchange(
    contextId: number,
    command: CommandSet,
    {
      sendDataSet,
      onPending = () => {},
    }: {
      readonly sendDataSet?: ((commandPdus: Uint8Array) => Promise<void>) | undefined;
      readonly onPending?: (response: Response) => void;
    } = {},
  ): Promise<Response> {
    if (this.#failure) throw this.#failure;
    const pdus = encodeData(contextId, true, encodeCommandSet(command), this.#peerMaxPduLength);
    // A peer may answer before it has read all (a refusal): the answer is kept until the data set is out
    this.#response = null;
    this.#responses = new ResponseReader(command.messageId, onPending);
    try {
      if (sendDataSet) await sendDataSet(pdus);
      else await this.send([pdus]);
    } catch (error) {
      // A message can't be taken back half-way: what fails within it ends the association
      this.#end(new UnavailableError("association-aborted", "a message could not be completed"));
      throw error;
    }
    const response = this.#response ?? (await this.#wait("a response", this.#timeouts.responseMs));
    this.#response = null;
    if (!response) throw this.#end(new UnavailableError("association-aborted", "the association ended without a response"));
    return response;
  }

  /** Asks the peer to stop answering a query; its final response comes all the same. PS3.7 section 9.3.2.3. */
  cancel(contextId: number, messageId: number): void {
    const command = { commandField: commandFields.cCancelRequest, messageIdBeingRespondedTo: messageId, commandDataSetType: noDataSet };
    this.#connection.sendData([encodeData(contextId, true, encodeCommandSet(command), this.#peerMaxPduLength)]);
  }

  /** Sends whole P-DATA-TF PDUs; resolves when the bytes left our memory. */
  async send(pdus: readonly Uint8Array[]): Promise<void> {
    if (this.#failure) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      const { responseMs } = this.#timeouts;
      const stalled = setTimeout(() => reject(this.#end(this.#timeout("the peer to take data", responseMs))), responseMs);
      const sent = this.#connection.sendData(pdus, (error) => {
        clearTimeout(stalled);
        if (error) reject(this.#failure ?? this.#networkFailure(error));
        else resolve();
      });
      if (sent) return;
      clearTimeout(stalled);
      reject(this.#failure ?? new UnavailableError("association-aborted", "the association is over"));
    });
  }

  /** Ends in good order: A-RELEASE, then the connection. What goes wrong here changes nothing that was sent, so it never rejects. */
  async release(): Promise<void> {
    if (this.#connection.release())
      await this.#wait("A-RELEASE-RP", this.#timeouts.releaseMs).catch(() => {
        // the peer went without a word: it is gone all the same
      });
    this.#end(new UnavailableError("association-released", "the association was released"));
    await this.#gone.promise;
  }
  /** Ends at once with A-ABORT. */
  abort(): void {
    this.#end(new UnavailableError("association-aborted", "we aborted the association"));
  }

  associateConfirmed(accept: AssociateAccept): void {
    this.#peerMaxPduLength = accept.userInformation.maxPduLength;
    for (const { id, result, transferSyntax } of accept.contexts) {
      const proposed = this.#proposed.find((context) => context.id === id);
      if (result === contextResults.acceptance && proposed?.transferSyntaxes.includes(transferSyntax))
        this.#accepted.set(id, transferSyntax);
    }
    this.#answer(null);
  }
  associateRejected(reject: AssociateReject): void {
    const { name } = this.#node;
    const message = `${name} rejected the association: ${rejectionOf(reject)} (result ${reject.result}, source ${reject.source}, reason ${reject.reason})`;
    this.#fail(
      reject.result === 2 ? new UnavailableError("association-rejected", message) : new RefusedError("association-rejected", message),
    );
  }
  dataIndicated(piece: DataPiece): void | Promise<void> {
    this.#waiting?.timer.refresh();
    const event = this.#messages.read(piece);
    if (!event) return;
    if (event.type === "data-set" && this.#served) return this.#served.continue(event);
    if (event.type === "data-set") return this.#responded(this.#responses?.continue(event.bytes, event.isEnd));
    if (!isResponse(event.command)) return this.#serve(event);
    if (!this.#responses) throw new ProtocolError("a response to a request that was not made");
    this.#responded(this.#responses.begin(event.command, event.hasDataSet));
  }
  #serve(request: MessageEvent & { type: "command" }): Promise<void> {
    const context = this.contexts.find(({ id }) => id === request.contextId);
    if (!this.#serves || !context) throw new ProtocolError("a request on an association that serves none");
    this.#served = new ServedRequest(this.#serves, request, (response) => {
      this.#served = null;
      this.#connection.sendData([encodeData(context.id, true, response, this.#peerMaxPduLength)]);
    });
    return this.#served.begin(request, context);
  }
  #responded(response: Response | null | undefined): void {
    if (!response) return;
    this.#response = response;
    this.#responses = null;
    this.#answer(response);
  }
  releaseIndicated(): void {
    this.#fail(new UnavailableError("association-aborted", `${this.#node.name} released the association`));
    this.#connection.respondToRelease();
  }
  releaseConfirmed(): void {
    this.#answer(null);
  }
  abortIndicated(cause: AbortCause): void {
    const { socketError } = this.#connection;
    if (cause.by === "network" && socketError) this.#fail(this.#networkFailure(socketError));
    else this.#fail(new UnavailableError("association-aborted", `${this.#node.name}: ${cause.message}`));
  }
  failed(error: unknown): void {
    this.#fail(error instanceof Error ? error : new Error(String(error)));
  }
  closed(): void {
    this.#signal?.removeEventListener("abort", this.#giveUp);
    this.#fail(new UnavailableError("association-aborted", `${this.#node.name} closed the connection`));
    void (this.#served?.abandon() ?? Promise.resolve()).finally(this.#gone.resolve);
  }

  readonly #giveUp = (): void => {
    this.#end(this.#signal?.reason);
  };

  #wait(what: string, timeoutMs: number): Promise<Response | null> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(this.#timeout(what, timeoutMs)), timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting = null;
      };
      this.#waiting = {
        timer,
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
    });
  }
  #answer(answer: Response | null): void {
    this.#waiting?.resolve(answer);
  }
  /** Notes the first failure and tells who waits. */
  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
  }
  /** Fails and ends the connection. */
  #end(error: Error): Error {
    this.#fail(error);
    if (!this.#connection.abort()) this.#connection.destroy();
    return error;
  }

  #timeout(what: string, ms: number): UnavailableError {
    return new UnavailableError("peer-timeout", `${this.#node.name}: waited ${ms} ms for ${what}`);
  }
  #networkFailure(error: Error & { code?: string }): UnavailableError {
    // In TLS 1.3 a peer that does not like our certificate says so when we take the handshake for done
    const isTls = this.#connectedEvent === "secureConnect" && (!this.#isConnected || /^ERR_SSL/.test(error.code ?? ""));
    return networkFailure(this.#node.name, error, isTls);
  }
}
