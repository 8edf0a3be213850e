import { RefusedError, UnavailableError } from "../base/errors.ts";
import { encodeQuery, type QueryKeys } from "../dicom/query.ts";
import { implicitVrLittleEndian, transferSyntaxes } from "../dicom/transfer-syntaxes.ts";
import type { AeTitle, Uid } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import {
  type AcceptedContext,
  type Association,
  type AssociationOptions,
  openAssociation,
  type RequestServer,
  type WantedContext,
} from "./association.ts";
import { type CommandSet, commandFields, withDataSet } from "./command-set.ts";
import { IncomingStore } from "./incoming-store.ts";
import { encodeData } from "./pdu.ts";
import { defaultStorageSopClasses } from "./presentation-contexts.ts";
import type { PeerInfo, ScpHandlers } from "./scp-contract.ts";
import { plainSyntaxes, studyRoot } from "./services.ts";
import { isWarning, statuses, statusText } from "./status.ts";

/** A study, or one series of it. */
export type Wanted = { readonly studyInstanceUid: Uid; readonly seriesInstanceUid?: Uid | undefined };

/** How far the peer is; null where it does not say. */
export type SubOperations = {
  readonly remaining: number | null;
  readonly completed: number;
  readonly failed: number;
  readonly warning: number;
};

export type RetrieveOptions = AssociationOptions & { readonly onProgress?: (progress: SubOperations) => void };

/** Implicit VR last: dcmtk rewrites to the first uncompressed one that it finds, and with it would go the VRs of private elements. */
const retrievedSyntaxes = [
  ...transferSyntaxes.map(({ uid }) => uid).filter((uid) => uid !== implicitVrLittleEndian),
  implicitVrLittleEndian,
];

/** A peer may fetch from tape before it says anything. */
const retrieveTimeouts = { responseMs: 10 * 60_000 };

/**
 * Has a node send images to an AE title, over associations of its own (C-MOVE, Study Root). Resolves when the peer says it is done, with what it
 * could not send. Throws what openAssociation throws, RefusedError `presentation-context-refused`, `move-destination-unknown` where it does
 * not know that title, `retrieve-refused`; UnavailableError `retrieve-failed`.
 */
export async function move(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  { wanted, to }: { readonly wanted: Wanted; readonly to: AeTitle },
  options: RetrieveOptions = {},
): Promise<SubOperations> {
  const contexts = [{ abstractSyntax: studyRoot.move, transferSyntaxes: plainSyntaxes }];
  const request = { affectedSopClassUid: studyRoot.move, commandField: commandFields.cMoveRequest, moveDestination: to };
  return retrieve(node, callingAeTitle, contexts, { request, wanted }, options);
}

export type GetOptions = RetrieveOptions & {
  /** Takes each image, as those of the SCP. */
  readonly openInstance: ScpHandlers["openInstance"];
  /** Distinguishes this association from those of the SCP. */
  readonly associationId: number;
  readonly maxObjectBytes?: number;
};

/**
 * Has a node send images on the association on which it is asked (C-GET, Study Root), where it is the SCU of storage. Otherwise as {@link move}.
 * Each class is proposed with each transfer syntax that we read, so that the peer sends what it has.
 */
export async function get(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  wanted: Wanted,
  { openInstance, associationId, maxObjectBytes = 4 * 1024 ** 3, ...options }: GetOptions,
): Promise<SubOperations> {
  const contexts = [
    { abstractSyntax: studyRoot.get, transferSyntaxes: plainSyntaxes },
    ...defaultStorageSopClasses.flatMap((abstractSyntax) =>
      retrievedSyntaxes.map((uid) => ({ abstractSyntax, transferSyntaxes: [uid], roles: { scu: false, scp: true } })),
    ),
  ];
  const peer = { callingAeTitle: node.aeTitle, calledAeTitle: callingAeTitle, remoteAddress: node.host, associationId };
  const serves = new StoreServer({ openInstance }, peer, maxObjectBytes);
  const request = { affectedSopClassUid: studyRoot.get, commandField: commandFields.cGetRequest };
  return retrieve(node, callingAeTitle, contexts, { request, wanted }, { ...options, serves });
}

async function retrieve(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  contexts: readonly WantedContext[],
  { request, wanted }: { readonly request: CommandSet & { readonly affectedSopClassUid: string }; readonly wanted: Wanted },
  { onProgress = () => {}, ...options }: RetrieveOptions,
): Promise<SubOperations> {
  const timeouts = { ...retrieveTimeouts, ...options.timeouts };
  const association = await openAssociation(node, callingAeTitle, contexts, { ...options, timeouts });
  try {
    const context = association.contexts.find(({ abstractSyntax }) => abstractSyntax === request.affectedSopClassUid);
    if (!context) throw new RefusedError("presentation-context-refused", `${node.name} does not take ${nameOf(request)} (Study Root)`);
    const response = await ask(association, context, { request, wanted }, onProgress);
    await association.release();
    return outcomeOf(node, request, response);
  } finally {
    association.abort(); // what was not released
  }
}

async function ask(
  association: Association,
  { id, transferSyntax }: AcceptedContext,
  { request, wanted: { studyInstanceUid, seriesInstanceUid } }: { readonly request: CommandSet; readonly wanted: Wanted },
  onProgress: (progress: SubOperations) => void,
): Promise<CommandSet> {
  const keys: QueryKeys = { studyInstanceUid, ...(seriesInstanceUid !== undefined && { seriesInstanceUid }) };
  const identifier = encodeQuery(seriesInstanceUid === undefined ? "study" : "series", keys, { transferSyntax });
  const command = { ...request, messageId: association.nextMessageId(), priority: 0, commandDataSetType: withDataSet };
  const response = await association.exchange(id, command, {
    sendDataSet: (pdus) => association.send([pdus, encodeData(id, false, identifier, association.peerMaxPduLength)]),
    onPending: ({ command }) => onProgress(subOperationsOf(command)),
  });
  return response.command;
}

function subOperationsOf(command: CommandSet): SubOperations {
  return {
    remaining: command.numberOfRemainingSuboperations ?? null,
    completed: command.numberOfCompletedSuboperations ?? 0,
    failed: command.numberOfFailedSuboperations ?? 0,
    warning: command.numberOfWarningSuboperations ?? 0,
  };
}

/** PS3.4 tables C.4-2 and C.4-3. That some images could not be sent is no failure of the whole. */
function outcomeOf(node: RemoteNode, request: CommandSet, response: CommandSet): SubOperations {
  const { status = -1, errorComment } = response;
  const progress = subOperationsOf(response);
  if (status === statuses.success || isWarning(status)) return progress;
  const message = `${node.name} answered ${nameOf(request)} with ${statusText(status)}${errorComment ? `: ${errorComment}` : ""}`;
  if (status === statuses.moveDestinationUnknown)
    throw new RefusedError("move-destination-unknown", `${message}; it has no entry for our AE title ${request.moveDestination}`);
  // "Unable to process" (Cxxx) too: Orthanc says so of a study that it does not have
  const isForGood = (status & 0xff00) === 0xa900 || (status & 0xf000) === 0xc000 || status === statuses.sopClassNotSupported;
  if (isForGood) throw new RefusedError("retrieve-refused", message);
  throw new UnavailableError("retrieve-failed", message);
}

const nameOf = ({ commandField }: CommandSet): string => (commandField === commandFields.cMoveRequest ? "C-MOVE" : "C-GET");

/** Takes the C-STORE requests of a peer on an association of ours. */
class StoreServer implements RequestServer {
  readonly #handlers: Pick<ScpHandlers, "openInstance">;
  readonly #peer: PeerInfo;
  readonly #maxObjectBytes: number;
  #command: CommandSet = {};
  #store: IncomingStore | null = null;

  constructor(handlers: Pick<ScpHandlers, "openInstance">, peer: PeerInfo, maxObjectBytes: number) {
    this.#handlers = handlers;
    this.#peer = peer;
    this.#maxObjectBytes = maxObjectBytes;
  }

  begin(command: CommandSet, context: AcceptedContext): void | Promise<void> {
    this.#command = command;
    this.#store = command.commandField === commandFields.cStoreRequest ? new IncomingStore(this.#maxObjectBytes) : null;
    return this.#store?.open(command, context, this.#handlers, this.#peer);
  }

  write(bytes: Buffer): void | Promise<void> {
    return this.#store?.write(bytes);
  }

  async finish(): Promise<CommandSet> {
    if (!this.#store) return { status: statuses.unrecognizedOperation, errorComment: "only C-STORE is served here" };
    const failure = await this.#store.finish();
    this.#store = null;
    const { affectedSopClassUid, affectedSopInstanceUid } = this.#command;
    return {
      ...(affectedSopClassUid !== undefined && { affectedSopClassUid }),
      ...(affectedSopInstanceUid !== undefined && { affectedSopInstanceUid }),
      status: failure?.status ?? statuses.success,
      ...(failure && { errorComment: failure.comment }),
    };
  }

  async abandon(): Promise<void> {
    await this.#store?.abandon();
  }
}
