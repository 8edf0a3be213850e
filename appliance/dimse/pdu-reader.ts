import { parseAssociateAccept, parseAssociateRequest } from "./associate-pdu.ts";
import type { Pdu } from "./pdu.ts";
import { abortReasons, ProtocolError, pduTypes } from "./protocol.ts";

/** A piece of a presentation data value, handed on as it arrived: a view on the chunk, no copy. */
export type DataPiece = {
  readonly type: "data";
  readonly contextId: number;
  /** Bits 0 and 1 of the message control header, PS3.8 annex E.2. */
  readonly isCommand: boolean;
  /** The value that this piece is of is the last of its command or data set. */
  readonly isLast: boolean;
  readonly bytes: Buffer;
  /** This piece ends its value. */
  readonly endsValue: boolean;
};

/** What the reader finds, in the order of the bytes. `data-pdu` says that a P-DATA-TF PDU begins, before any of its values. */
export type ReaderEvent = Pdu | { readonly type: "data-pdu"; readonly length: number } | DataPiece;

/** A-ASSOCIATE PDUs are held whole: 128 contexts of 38 transfer syntaxes are about 130 kB. */
const maxAssociateLength = 256 * 1024;
const pduHeaderLength = 6;
const valueHeaderLength = 6;

/**
 * Cuts a byte stream into PDUs, PS3.8 section 9.3. Holds at most one A-ASSOCIATE PDU or a few header bytes, whatever the lengths say:
 * data values go on in the pieces in which they arrive. Throws ProtocolError, and only that, for what is not the protocol; reads
 * nothing more afterwards.
 */
export class PduReader {
  /** Longest P-DATA-TF PDU that is taken, without its 6 header bytes. */
  readonly #maxPduLength: number;
  /** Room for an unfinished header or whole-held PDU. */
  #held: Buffer | null = null;
  #heldLength = 0;
  #wanted = pduHeaderLength;
  #part: "pdu-header" | "body" | "value-header" | "value" | "broken" = "pdu-header";
  #pduType = 0;
  /** Bytes left of the P-DATA-TF PDU, and of the value in it. */
  #pduLeft = 0;
  #valueLeft = 0;
  #contextId = 0;
  #control = 0;

  constructor(maxPduLength: number) {
    this.#maxPduLength = maxPduLength;
  }

  *read(chunk: Buffer): Generator<ReaderEvent, void, void> {
    try {
      for (let at = 0; at < chunk.length; ) {
        if (this.#part === "broken") return;
        if (this.#part === "value") {
          const end = Math.min(chunk.length, at + this.#valueLeft);
          const piece = this.#takeValue(chunk.subarray(at, end));
          at = end;
          yield piece;
          continue;
        }
        const taken = chunk.subarray(at, at + this.#wanted - this.#heldLength);
        at += taken.length;
        const bytes = this.#hold(taken);
        if (!bytes) return;
        yield* this.#takeWhole(bytes);
      }
    } catch (error) {
      this.#part = "broken";
      this.#held = null;
      throw error;
    }
  }

  /** The stream may end here without cutting a PDU in two. */
  get isBetweenPdus(): boolean {
    return this.#part === "pdu-header" && this.#heldLength === 0;
  }

  /** The whole of what is wanted, once it is there: a view on the chunk if one chunk had it all, else put together. */
  #hold(taken: Buffer): Buffer | null {
    if (taken.length === this.#wanted) return taken;
    this.#held ??= Buffer.allocUnsafe(this.#wanted);
    this.#held.set(taken, this.#heldLength);
    this.#heldLength += taken.length;
    if (this.#heldLength < this.#wanted) return null;
    const whole = this.#held;
    this.#held = null;
    this.#heldLength = 0;
    return whole;
  }

  *#takeWhole(bytes: Buffer): Generator<ReaderEvent, void, void> {
    switch (this.#part) {
      case "pdu-header":
        return yield* this.#takePduHeader(bytes);
      case "body":
        this.#expect("pdu-header", pduHeaderLength);
        return yield parsePdu(this.#pduType, bytes);
      case "value-header":
        return yield* this.#takeValueHeader(bytes);
      default:
        throw new Error(`no whole part ends in ${this.#part}`);
    }
  }

  *#takePduHeader(header: Buffer): Generator<ReaderEvent, void, void> {
    this.#pduType = header[0]!;
    const length = header.readUInt32BE(2);
    switch (this.#pduType) {
      case pduTypes.data:
        if (length > this.#maxPduLength)
          throw new ProtocolError(`P-DATA-TF PDU of ${length} bytes, at most ${this.#maxPduLength} were negotiated`);
        if (length < valueHeaderLength) throw new ProtocolError(`P-DATA-TF PDU of ${length} bytes, which holds no value`);
        this.#pduLeft = length;
        yield { type: "data-pdu", length };
        return this.#nextValue();
      case pduTypes.associateRequest:
      case pduTypes.associateAccept:
        if (length > maxAssociateLength)
          throw new ProtocolError(`A-ASSOCIATE PDU of ${length} bytes, at most ${maxAssociateLength} are read`);
        if (length < 68) throw new ProtocolError(`A-ASSOCIATE PDU of ${length} bytes, expected at least 68`);
        return this.#expect("body", length);
      case pduTypes.associateReject:
      case pduTypes.releaseRequest:
      case pduTypes.releaseResponse:
      case pduTypes.abort:
        if (length !== 4) throw new ProtocolError(`PDU of type ${this.#pduType} with ${length} bytes, expected 4`);
        return this.#expect("body", length);
      default:
        throw new ProtocolError(`PDU type ${this.#pduType}`, abortReasons.unrecognizedPdu);
    }
  }

  *#takeValueHeader(header: Buffer): Generator<ReaderEvent, void, void> {
    const length = header.readUInt32BE(0); // counts the context id and the control header
    if (length < 2 || length - 2 > this.#pduLeft - valueHeaderLength)
      throw new ProtocolError(`presentation data value of ${length} bytes in a PDU with ${this.#pduLeft - 4} left`);
    this.#contextId = header[4]!;
    this.#control = header[5]!;
    this.#pduLeft -= valueHeaderLength;
    this.#valueLeft = length - 2;
    this.#part = "value";
    if (this.#valueLeft === 0) yield this.#takeValue(header.subarray(0, 0));
  }

  #takeValue(bytes: Buffer): DataPiece {
    this.#valueLeft -= bytes.length;
    this.#pduLeft -= bytes.length;
    const endsValue = this.#valueLeft === 0;
    if (endsValue) this.#nextValue();
    return {
      type: "data",
      contextId: this.#contextId,
      isCommand: (this.#control & 1) !== 0,
      isLast: (this.#control & 2) !== 0,
      bytes,
      endsValue,
    };
  }

  #nextValue(): void {
    if (this.#pduLeft === 0) this.#expect("pdu-header", pduHeaderLength);
    else if (this.#pduLeft < valueHeaderLength) throw new ProtocolError(`${this.#pduLeft} bytes left over in a P-DATA-TF PDU`);
    else this.#expect("value-header", valueHeaderLength);
  }

  #expect(part: "pdu-header" | "body" | "value-header", length: number): void {
    this.#part = part;
    this.#wanted = length;
  }
}

function parsePdu(type: number, body: Buffer): Pdu {
  switch (type) {
    case pduTypes.associateRequest:
      return { type: "associate-request", ...parseAssociateRequest(body) };
    case pduTypes.associateAccept:
      return { type: "associate-accept", ...parseAssociateAccept(body) };
    case pduTypes.associateReject:
      return { type: "associate-reject", result: body[1]!, source: body[2]!, reason: body[3]! };
    case pduTypes.releaseRequest:
      return { type: "release-request" };
    case pduTypes.releaseResponse:
      return { type: "release-response" };
    default:
      return { type: "abort", source: body[2]!, reason: body[3]! };
  }
}
