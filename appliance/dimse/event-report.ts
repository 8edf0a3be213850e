import { RefusedError } from "../base/errors.ts";
import { type CommitmentReport, readCommitmentReport } from "../dicom/commitment.ts";
import { type CommandSet, commandFields } from "./command-set.ts";
import { ProtocolError } from "./protocol.ts";
import { commitmentSopClass } from "./services.ts";
import { failureOf, statuses } from "./status.ts";

/** A transaction names thousands of instances at most, about 150 bytes each. */
const mostBytes = 4 * 1024 * 1024;

/** One N-EVENT-REPORT of Storage Commitment on its way in, PS3.4 J.3.3; on an association of ours or of the peer's. */
export class IncomingEventReport {
  readonly #command: CommandSet;
  readonly #transferSyntax: string;
  readonly #reported: (report: CommitmentReport) => void | Promise<void>;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  /** @param reported resolves when the report is kept for good; what it throws is the peer's answer */
  constructor(
    command: CommandSet,
    context: { readonly abstractSyntax: string; readonly transferSyntax: string },
    reported: (report: CommitmentReport) => void | Promise<void>,
  ) {
    this.#command = command;
    this.#transferSyntax = context.transferSyntax;
    this.#reported = reported;
  }

  /** Whether a request is one of these. */
  static is({ commandField }: CommandSet, { abstractSyntax }: { readonly abstractSyntax: string }): boolean {
    return commandField === commandFields.nEventReportRequest && abstractSyntax === commitmentSopClass;
  }

  write(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > mostBytes) throw new ProtocolError(`an event report of more than ${mostBytes} bytes`);
    this.#pieces.push(Buffer.from(bytes));
  }

  /** The answer, PS3.7 section 10.3.1.2. */
  async finish(): Promise<CommandSet> {
    const { affectedSopClassUid, affectedSopInstanceUid, eventTypeId } = this.#command;
    const about = {
      ...(affectedSopClassUid !== undefined && { affectedSopClassUid }),
      ...(affectedSopInstanceUid !== undefined && { affectedSopInstanceUid }),
      ...(eventTypeId !== undefined && { eventTypeId }),
    };
    try {
      await this.#reported(readCommitmentReport(Buffer.concat(this.#pieces), this.#transferSyntax));
      return { ...about, status: statuses.success };
    } catch (error) {
      const { comment } = failureOf(error);
      return {
        ...about,
        status: error instanceof RefusedError ? statuses.invalidArgumentValue : statuses.processingFailure,
        errorComment: comment,
      };
    }
  }
}
