import type { AcceptedContext, RequestServer } from "./association-contract.ts";
import { type CommandSet, encodeCommandSet, noDataSet } from "./command-set.ts";
import type { MessageEvent } from "./message-reader.ts";

/** One request of the peer's on an association that we asked for, from its command to our response. */
export class ServedRequest {
  readonly #server: RequestServer;
  readonly #command: CommandSet;
  readonly #respond: (response: Uint8Array) => void;

  /** @param respond gets the whole command set of the response */
  constructor(server: RequestServer, { command }: MessageEvent & { type: "command" }, respond: (response: Uint8Array) => void) {
    this.#server = server;
    this.#command = command;
    this.#respond = respond;
  }

  async begin({ hasDataSet }: MessageEvent & { type: "command" }, context: AcceptedContext): Promise<void> {
    await this.#server.begin(this.#command, context);
    if (!hasDataSet) await this.#finish();
  }

  continue({ bytes, isEnd }: MessageEvent & { type: "data-set" }): void | Promise<void> {
    const pending = this.#server.write(bytes);
    return isEnd ? Promise.resolve(pending).then(() => this.#finish()) : pending;
  }

  async #finish(): Promise<void> {
    this.#respond(
      encodeCommandSet({
        ...(await this.#server.finish()),
        commandField: (this.#command.commandField ?? 0) | 0x8000,
        messageIdBeingRespondedTo: this.#command.messageId ?? 0,
        commandDataSetType: noDataSet,
      }),
    );
  }

  /** The association ended before the data set did. */
  abandon(): Promise<void> {
    return this.#server.abandon();
  }
}
