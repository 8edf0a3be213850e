import type { CommandSet } from "./command-set.ts";
import { ProtocolError } from "./protocol.ts";
import { isPending } from "./status.ts";

/** A response with its data set, null where it has none. */
export type Response = { readonly command: CommandSet; readonly dataSet: Buffer | null };

/** A match of a query, or the list of what failed: far below this. */
const maxDataSetLength = 4 * 1024 * 1024;

/** Puts the responses to one request together: pending ones go to who asked as they come, the final one ends it. */
export class ResponseReader {
  readonly #messageId: number | undefined;
  readonly #onPending: (response: Response) => void;
  #command: CommandSet | null = null;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(messageId: number | undefined, onPending: (response: Response) => void) {
    this.#messageId = messageId;
    this.#onPending = onPending;
  }

  /** The final response, once it is whole. */
  begin(command: CommandSet, hasDataSet: boolean): Response | null {
    if (command.messageIdBeingRespondedTo !== this.#messageId) throw new ProtocolError("the response is to another request");
    if (!hasDataSet) return this.#settle({ command, dataSet: null });
    this.#command = command;
    return null;
  }

  continue(bytes: Buffer, isEnd: boolean): Response | null {
    this.#length += bytes.length;
    if (this.#length > maxDataSetLength) throw new ProtocolError(`a response with a data set of more than ${maxDataSetLength} bytes`);
    if (bytes.length > 0) this.#pieces.push(Buffer.from(bytes));
    if (!isEnd || !this.#command) return null;
    const response = { command: this.#command, dataSet: Buffer.concat(this.#pieces) };
    this.#command = null;
    this.#pieces = [];
    this.#length = 0;
    return this.#settle(response);
  }

  #settle(response: Response): Response | null {
    if (!isPending(response.command.status)) return response;
    this.#onPending(response);
    return null;
  }
}
