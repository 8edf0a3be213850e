import { type AssociateAccept, type AssociateRequest, encodeAssociateAccept, encodeAssociateRequest } from "./associate-pdu.ts";
import { pduTypes } from "./protocol.ts";

/** PS3.8 section 9.3.4: all three are plain numbers of that section's table. */
export type AssociateReject = {
  readonly result: number;
  readonly source: number;
  readonly reason: number;
};
/** PS3.8 section 9.3.8. */
export type Abort = { readonly source: number; readonly reason: number };

export type Pdu =
  | ({ readonly type: "associate-request" } & AssociateRequest)
  | ({ readonly type: "associate-accept" } & AssociateAccept)
  | ({ readonly type: "associate-reject" } & AssociateReject)
  | { readonly type: "release-request" }
  | { readonly type: "release-response" }
  | ({ readonly type: "abort" } & Abort);

/** A whole PDU as bytes. P-DATA-TF has its own writer, since its values are never held whole. */
export function encodePdu(pdu: Pdu): Buffer {
  switch (pdu.type) {
    case "associate-request":
      return encodeAssociateRequest(pdu);
    case "associate-accept":
      return encodeAssociateAccept(pdu);
    case "associate-reject":
      return Buffer.from([pduTypes.associateReject, 0, 0, 0, 0, 4, 0, pdu.result, pdu.source, pdu.reason]);
    case "release-request":
      return Buffer.from([pduTypes.releaseRequest, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    case "release-response":
      return Buffer.from([pduTypes.releaseResponse, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    case "abort":
      return Buffer.from([pduTypes.abort, 0, 0, 0, 0, 4, 0, 0, pdu.source, pdu.reason]);
    default:
      return pdu satisfies never;
  }
}

/** Header of a P-DATA-TF PDU with one value, and of that value: everything before its bytes. PS3.8 sections 9.3.5 and 9.3.5.1. */
export const dataHeaderLength = 12;

/** Writes the 12 header bytes of a P-DATA-TF PDU with one presentation data value of `length` bytes. */
export function writeDataHeader(
  into: Buffer,
  at: number,
  { contextId, isCommand, isLast, length }: { contextId: number; isCommand: boolean; isLast: boolean; length: number },
): void {
  into.writeUInt16BE(pduTypes.data << 8, at);
  into.writeUInt32BE(length + 6, at + 2);
  into.writeUInt32BE(length + 2, at + 6);
  into[at + 10] = contextId;
  into[at + 11] = (isCommand ? 1 : 0) | (isLast ? 2 : 0); // message control header, PS3.8 annex E.2
}

/** Bytes as P-DATA-TF PDUs, each no longer than the peer takes. For what is small; files go through store-file.ts. */
export function encodeData(contextId: number, isCommand: boolean, bytes: Uint8Array, maxPduLength: number, endsMessage = true): Buffer {
  const room = valueRoom(maxPduLength);
  const values = Math.max(1, Math.ceil(bytes.length / room));
  const out = Buffer.allocUnsafe(bytes.length + values * dataHeaderLength);
  for (let index = 0, at = 0; index < values; index++) {
    const value = bytes.subarray(index * room, (index + 1) * room);
    writeDataHeader(out, at, { contextId, isCommand, isLast: endsMessage && index === values - 1, length: value.length });
    out.set(value, at + dataHeaderLength);
    at += dataHeaderLength + value.length;
  }
  return out;
}

/** How many bytes one value may have if the peer takes PDUs of `maxPduLength` (0: any length): even, as PS3.8 annex F wants fragments. */
export function valueRoom(maxPduLength: number): number {
  const ceiling = 131072; // longer PDUs save nothing and only fill the peer's buffer
  const length = maxPduLength === 0 ? ceiling : Math.min(maxPduLength, ceiling);
  return Math.floor((length - 6) / 2) * 2;
}
