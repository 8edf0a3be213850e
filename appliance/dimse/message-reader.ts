import { type CommandSet, hasDataSet, parseCommandSet } from "./command-set.ts";
import type { DataPiece } from "./pdu-reader.ts";
import { abortReasons, ProtocolError } from "./protocol.ts";

/** A command set is a few hundred bytes; what is longer is no command set. */
const maxCommandLength = 64 * 1024;

/** What a piece of a DIMSE message means to who receives it. */
export type MessageEvent =
  | { readonly type: "command"; readonly contextId: number; readonly command: CommandSet; readonly hasDataSet: boolean }
  | { readonly type: "data-set"; readonly bytes: Buffer; readonly isEnd: boolean };

/**
 * Puts command sets together and passes data set bytes on, PS3.8 annex E.1: a message is its command, then its data set if it says
 * so, both on one presentation context. Throws ProtocolError for anything else.
 */
export class MessageReader {
  /** Accepted presentation contexts. */
  readonly #isAccepted: (contextId: number) => boolean;
  #command: Buffer[] = [];
  #commandLength = 0;
  /** Context of the message under way; null between messages. */
  #contextId: number | null = null;
  #awaitsDataSet = false;
  #finished = 0;

  constructor(isAccepted: (contextId: number) => boolean) {
    this.#isAccepted = isAccepted;
  }

  get isBetweenMessages(): boolean {
    return this.#contextId === null;
  }
  /** Messages that were read to their end. */
  get finished(): number {
    return this.#finished;
  }

  /** Null: nothing to act on yet. */
  read(piece: DataPiece): MessageEvent | null {
    if (this.#contextId === null && !this.#isAccepted(piece.contextId))
      throw new ProtocolError(`data on presentation context ${piece.contextId}, which was not accepted`);
    if (this.#contextId !== null && piece.contextId !== this.#contextId)
      throw new ProtocolError(`data on presentation context ${piece.contextId} within a message on ${this.#contextId}`);
    if (piece.isCommand === this.#awaitsDataSet)
      throw new ProtocolError(
        piece.isCommand ? "a command where a data set is due" : "a data set without its command",
        abortReasons.unexpectedParameter,
      );
    this.#contextId = piece.contextId;
    return piece.isCommand ? this.#readCommand(piece) : this.#readDataSet(piece);
  }

  #readCommand({ bytes, isLast, endsValue, contextId }: DataPiece): MessageEvent | null {
    this.#commandLength += bytes.length;
    if (this.#commandLength > maxCommandLength) throw new ProtocolError(`command set longer than ${maxCommandLength} bytes`);
    // A command arrives in one piece or two; copies keep many tiny pieces from holding on to their chunks
    if (bytes.length > 0) this.#command.push(Buffer.from(bytes));
    if (!isLast || !endsValue) return null;
    const command = parseCommandSet(Buffer.concat(this.#command));
    this.#command = [];
    this.#commandLength = 0;
    this.#awaitsDataSet = hasDataSet(command);
    if (!this.#awaitsDataSet) this.#finish();
    return { type: "command", contextId, command, hasDataSet: this.#awaitsDataSet };
  }

  #readDataSet({ bytes, isLast, endsValue }: DataPiece): MessageEvent | null {
    const isEnd = isLast && endsValue;
    if (isEnd) {
      this.#awaitsDataSet = false;
      this.#finish();
    }
    return bytes.length === 0 && !isEnd ? null : { type: "data-set", bytes, isEnd };
  }

  #finish(): void {
    this.#contextId = null;
    this.#finished++;
  }
}
