import { RefusedError } from "../base/errors.ts";
import { parseUid } from "../domain/ids.ts";
import type { CommandSet } from "./command-set.ts";
import { ProtocolError } from "./protocol.ts";
import type { InstanceSink, PeerInfo, ScpHandlers } from "./scp-contract.ts";
import { type Failure, failureOf } from "./status.ts";

/** What is dropped of a refused data set before the association is aborted, as a multiple of the largest object. */
const drainFactor = 2;

/** One C-STORE under way: bytes go to its sink until something is wrong with it, then to nowhere; the sender hears of it at the end. */
export class IncomingStore {
  readonly #maxObjectBytes: number;
  #sink: InstanceSink | null = null;
  #failure: Failure | null = null;
  #cause: unknown;
  #bytes = 0;

  constructor(maxObjectBytes: number) {
    this.#maxObjectBytes = maxObjectBytes;
  }

  /** Never rejects: what is wrong with the request, or with the sink, is the answer at the end. A promise where the sink is not at hand. */
  open(
    command: CommandSet,
    context: { readonly abstractSyntax: string; readonly transferSyntax: string },
    handlers: Pick<ScpHandlers, "openInstance">,
    peer: PeerInfo,
  ): void | Promise<void> {
    try {
      const sopClassUid = parseUid(command.affectedSopClassUid ?? "");
      const sopInstanceUid = parseUid(command.affectedSopInstanceUid ?? "");
      if (sopClassUid !== context.abstractSyntax)
        throw new RefusedError("instance-mismatch", "Affected SOP Class differs from the context's abstract syntax");
      const opened = handlers.openInstance({ sopClassUid, sopInstanceUid, transferSyntaxUid: context.transferSyntax, peer });
      if (opened instanceof Promise) return this.#openWhen(opened);
      this.#sink = opened;
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #openWhen(opened: Promise<InstanceSink>): Promise<void> {
    try {
      this.#sink = await opened;
    } catch (error) {
      await this.#fail(error);
    }
  }

  write(bytes: Buffer): void | Promise<void> {
    this.#bytes += bytes.length;
    if (!this.#sink) return this.#drain();
    if (this.#bytes > this.#maxObjectBytes)
      return this.#fail(new RefusedError("object-too-large", `object larger than ${this.#maxObjectBytes} bytes`));
    try {
      const pending = this.#sink.write(bytes);
      return pending?.catch((error) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #drain(): void {
    if (this.#bytes > drainFactor * this.#maxObjectBytes) throw new ProtocolError("a refused data set that does not end");
  }

  /** Null: stored for good. */
  async finish(): Promise<Failure | null> {
    try {
      await this.#sink?.commit();
      this.#sink = null;
    } catch (error) {
      await this.#fail(error);
    }
    return this.#failure;
  }

  /** The association ended before the data set did. */
  async abandon(): Promise<void> {
    const sink = this.#sink;
    this.#sink = null;
    await sink?.abort();
  }

  async #fail(error: unknown): Promise<void> {
    this.#failure = failureOf(error);
    this.#cause = error;
    await this.abandon();
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** What made it fail, for the log. */
  get cause(): unknown {
    return this.#cause;
  }
}
