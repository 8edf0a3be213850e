import { RefusedError, UnavailableError } from "../base/errors.ts";
import { type CommitmentReport, encodeCommitmentRequest, type Reference } from "../dicom/commitment.ts";
import type { AeTitle, Uid } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import { type AcceptedContext, type AssociationOptions, openAssociation, type RequestServer } from "./association.ts";
import { type CommandSet, commandFields, withDataSet } from "./command-set.ts";
import { IncomingEventReport } from "./event-report.ts";
import { encodeData } from "./pdu.ts";
import { commitmentSopClass, commitmentSopInstance, plainSyntaxes } from "./services.ts";
import { statuses, statusText } from "./status.ts";

export type CommitmentRequest = { readonly transactionUid: Uid; readonly references: readonly Reference[] };

export type CommitmentOptions = AssociationOptions & {
  /** A report that comes on the same association, of this transaction or another. */
  readonly reported: (report: CommitmentReport) => void;
  /** Resolves when nothing is left to wait for on this association: the report has come, or time is up. */
  readonly untilReported: () => Promise<void>;
};

/**
 * Asks a node to commit itself to keep instances (Storage Commitment Push Model, PS3.4 annex J), and stays on the association for the report; a
 * report that comes later comes to the SCP. Throws what openAssociation throws, RefusedError `presentation-context-refused` and
 * `commitment-refused`, UnavailableError `commitment-unavailable`.
 */
export async function requestCommitment(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  { transactionUid, references }: CommitmentRequest,
  { reported, untilReported, ...options }: CommitmentOptions,
): Promise<void> {
  const wanted = [{ abstractSyntax: commitmentSopClass, transferSyntaxes: plainSyntaxes }];
  const association = await openAssociation(node, callingAeTitle, wanted, { ...options, serves: new ReportServer(reported) });
  try {
    const context = association.contexts[0];
    if (!context) throw new RefusedError("presentation-context-refused", `${node.name} does not take Storage Commitment`);
    const { id, transferSyntax } = context;
    const information = encodeCommitmentRequest(transactionUid, references, transferSyntax);
    const command = {
      requestedSopClassUid: commitmentSopClass,
      commandField: commandFields.nActionRequest,
      messageId: association.nextMessageId(),
      commandDataSetType: withDataSet,
      requestedSopInstanceUid: commitmentSopInstance,
      actionTypeId: 1, // Request Storage Commitment, PS3.4 table J.3-1
    };
    const { command: response } = await association.exchange(id, command, {
      sendDataSet: (pdus) => association.send([pdus, encodeData(id, false, information, association.peerMaxPduLength)]),
    });
    requireSuccess(node, response);
    await untilReported();
    if (!association.failure) await association.release();
  } finally {
    association.abort(); // what was not released
  }
}

function requireSuccess(node: RemoteNode, { status = -1, errorComment }: CommandSet): void {
  if (status === statuses.success) return;
  const message = `${node.name} answered the request to commit with ${statusText(status)}${errorComment ? `: ${errorComment}` : ""}`;
  if (status === statuses.processingFailure || status === statuses.resourceLimitation)
    throw new UnavailableError("commitment-unavailable", message);
  throw new RefusedError("commitment-refused", message);
}

/** Takes the reports that a peer makes on an association of ours. */
class ReportServer implements RequestServer {
  readonly #reported: (report: CommitmentReport) => void;
  #report: IncomingEventReport | null = null;

  constructor(reported: (report: CommitmentReport) => void) {
    this.#reported = reported;
  }
  begin(command: CommandSet, context: AcceptedContext): void {
    this.#report = IncomingEventReport.is(command, context) ? new IncomingEventReport(command, context, this.#reported) : null;
  }
  write(bytes: Buffer): void {
    this.#report?.write(bytes);
  }
  finish(): CommandSet | Promise<CommandSet> {
    return this.#report?.finish() ?? { status: statuses.unrecognizedOperation, errorComment: "only N-EVENT-REPORT is served here" };
  }
  async abandon(): Promise<void> {}
}
