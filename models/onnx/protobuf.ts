import { RefusedError } from "../../appliance/base/errors.ts";

/*
 * The wire format of Protocol Buffers, as much as ONNX needs: varints, 32-bit floats and length-delimited bytes; packed and unpacked lists.
 * Source: protobuf.dev/programming-guides/encoding
 */

const varintWire = 0;
const fixed64Wire = 1;
const bytesWire = 2;
const fixed32Wire = 5;

const utf8 = new TextEncoder();

/** Collects the fields of one message. Big values stay where they are: {@link pieces} hands them out as they came in. */
export class MessageWriter {
  readonly pieces: Uint8Array[] = [];
  sizeBytes = 0;

  /** A whole number, negative ones as 64-bit two's complement. */
  int(field: number, value: number | bigint): this {
    return this.#add(varint(field * 8 + varintWire), varint(value));
  }

  float(field: number, value: number): this {
    return this.#add(varint(field * 8 + fixed32Wire), new Uint8Array(new Float32Array([value]).buffer));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#add(varint(field * 8 + bytesWire), varint(value.byteLength), value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, value: MessageWriter): this {
    return this.#add(varint(field * 8 + bytesWire), varint(value.sizeBytes), ...value.pieces);
  }

  #add(...pieces: readonly Uint8Array[]): this {
    for (const piece of pieces) {
      this.pieces.push(piece);
      this.sizeBytes += piece.byteLength;
    }
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** One field as it was found: a varint as its unsigned value, anything else as its bytes. */
export type Field =
  | { readonly number: number; readonly wire: "varint"; readonly value: bigint }
  | { readonly number: number; readonly wire: "bytes" | "fixed"; readonly value: Uint8Array };

/** The fields of a message in their order; bytes are views. RefusedError ("onnx-unreadable") where they do not fit into it. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor);
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    if (number === 0) throw unreadable("a field without a number");
    if (wire === varintWire) {
      yield { number, wire: "varint", value: readVarint(message, cursor) };
      continue;
    }
    if (wire !== bytesWire && wire !== fixed32Wire && wire !== fixed64Wire) throw unreadable(`field ${number} has wire type ${wire}`);
    const length = wire === bytesWire ? Number(readVarint(message, cursor)) : wire === fixed32Wire ? 4 : 8;
    if (length > message.length - cursor.at) throw unreadable(`field ${number} is cut off`);
    yield { number, wire: wire === bytesWire ? "bytes" : "fixed", value: message.subarray(cursor.at, cursor.at + length) };
    cursor.at += length;
  }
}

/** A list of whole numbers, packed into one field or one a field. */
export function intsOf(field: Field): bigint[] {
  if (field.wire === "varint") return [BigInt.asIntN(64, field.value)];
  if (field.wire === "fixed") throw unreadable(`field ${field.number} holds no whole numbers`);
  const cursor = { at: 0 };
  const values: bigint[] = [];
  while (cursor.at < field.value.length) values.push(BigInt.asIntN(64, readVarint(field.value, cursor)));
  return values;
}

/** A whole number that fits into a double. */
export function intOf(field: Field): number {
  const value = field.wire === "varint" ? Number(BigInt.asIntN(64, field.value)) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw unreadable(`field ${field.number} holds no whole number below 2^53`);
  return value;
}

/** 32-bit floats, packed or one a field. */
export function floatsOf(field: Field): number[] {
  const bytes = bytesOf(field);
  if (bytes.length % 4 !== 0) throw unreadable(`field ${field.number} holds no 32-bit floats`);
  return [...new Float32Array(new Uint8Array(bytes).buffer)];
}

/** 64-bit floats, packed or one a field. */
export function doublesOf(field: Field): number[] {
  const bytes = bytesOf(field);
  if (bytes.length % 8 !== 0) throw unreadable(`field ${field.number} holds no 64-bit floats`);
  return [...new Float64Array(new Uint8Array(bytes).buffer)];
}

export function bytesOf(field: Field): Uint8Array {
  if (field.wire === "varint") throw unreadable(`field ${field.number} holds a number, expected bytes`);
  return field.value;
}

export function textOf(field: Field): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(field));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw unreadable(`field ${field.number} is not UTF-8`);
  }
}

export const unreadable = (what: string): RefusedError => new RefusedError("onnx-unreadable", `not a readable ONNX file: ${what}`);

function readVarint(bytes: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw unreadable("it ends inside a number");
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, value);
  }
  throw unreadable("a number is longer than 64 bits");
}
