import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeData, encodePdu, type Pdu } from "../../../appliance/dimse/pdu.ts";
import { PduReader, type ReaderEvent } from "../../../appliance/dimse/pdu-reader.ts";
import { ProtocolError } from "../../../appliance/dimse/protocol.ts";

/** What a reader finds in chunks, pieces of one value joined: the same however the bytes were cut. A protocol error is the last entry. */
function readAll(chunks: readonly Buffer[], maxPduLength = 65536): unknown[] {
  const reader = new PduReader(maxPduLength);
  const found: unknown[] = [];
  let value = "";
  const note = (event: ReaderEvent) => {
    if (event.type !== "data") return void found.push(event);
    value += event.bytes.toString("hex");
    if (!event.endsValue) return;
    found.push({ ...event, bytes: value });
    value = "";
  };
  try {
    for (const chunk of chunks) for (const event of reader.read(chunk)) note(event);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // How much of an unfinished value was seen depends on the cuts; what is wrong does not
    found.push(error.message);
  }
  return found;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

const uid = fc.stringMatching(/^1(\.[1-9]{1,5}){1,6}$/);
const title = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,15}$/);
const associate = {
  protocolVersion: fc.constant(1),
  calledAeTitle: title,
  callingAeTitle: title,
  applicationContext: uid,
  userInformation: fc.record({
    maxPduLength: fc.integer({ min: 128, max: 0xffffffff }),
    implementationClassUid: uid,
    implementationVersionName: title,
  }),
};
const id = fc.integer({ min: 0, max: 127 }).map((n) => 2 * n + 1);
const byte = fc.integer({ min: 0, max: 255 });
const pdu: fc.Arbitrary<Pdu> = fc.oneof(
  fc.record({
    type: fc.constant("associate-request" as const),
    ...associate,
    contexts: fc.uniqueArray(fc.record({ id, abstractSyntax: uid, transferSyntaxes: fc.array(uid, { maxLength: 3 }) }), {
      selector: (context) => context.id,
      maxLength: 4,
    }),
  }),
  fc.record({
    type: fc.constant("associate-accept" as const),
    ...associate,
    contexts: fc.array(fc.record({ id, result: byte, transferSyntax: uid }), { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant("associate-reject" as const), result: byte, source: byte, reason: byte }),
  fc.record({ type: fc.constant("release-request" as const) }),
  fc.record({ type: fc.constant("release-response" as const) }),
  fc.record({ type: fc.constant("abort" as const), source: byte, reason: byte }),
);
const data = fc
  .tuple(id, fc.boolean(), fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 8, max: 200 }))
  .map(([contextId, isCommand, bytes, maxLength]) => encodeData(contextId, isCommand, bytes, maxLength));
const stream = fc.array(fc.oneof(pdu.map(encodePdu), data), { maxLength: 8 }).map((parts) => Buffer.concat(parts));
const cuts = fc.array(fc.nat(), { maxLength: 30 });

test("PDUs are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(pdu, { maxLength: 5 }), (pdus) => {
      assert.deepEqual(readAll([Buffer.concat(pdus.map(encodePdu))]), structuredClone(pdus));
    }),
    { numRuns: 1000 },
  );
});

test("a stream cut anywhere gives the same events", () => {
  fc.assert(
    fc.property(stream, cuts, (bytes, at) => assert.deepEqual(readAll(cut(bytes, at)), readAll([bytes]))),
    { numRuns: 3000 },
  );
});

test("a damaged stream cut anywhere gives the same events and the same error", () => {
  const damaged = fc.tuple(stream, fc.nat(), byte).map(([bytes, at, value]) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });
  fc.assert(
    fc.property(damaged, cuts, (bytes, at) => assert.deepEqual(readAll(cut(bytes, at)), readAll([bytes]))),
    { numRuns: 3000 },
  );
});

test("any bytes at all throw nothing but a protocol error, and nothing is read after it", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    // Begins like a PDU, so that the deeper parts are reached too
    fc
      .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 90 }), fc.uint8Array({ maxLength: 100 }))
      .map(([type, length, rest]) => Buffer.concat([Buffer.from([type, 0, 0, 0, length >> 8, length & 255]), rest])),
  );
  fc.assert(
    fc.property(anything, (bytes) => {
      const reader = new PduReader(65536);
      try {
        for (const _ of reader.read(Buffer.from(bytes)));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
        assert.deepEqual([...reader.read(encodePdu({ type: "release-request" }))], []);
      }
    }),
    { numRuns: 100_000 },
  );
});

test("a P-DATA-TF PDU may be as long as was offered and not a byte longer", () => {
  const header = (length: number) => Buffer.from([4, 0, 0, 0, length >> 8, length & 255]);
  assert.deepEqual(readAll([header(1000)], 1000), [{ type: "data-pdu", length: 1000 }]);
  assert.deepEqual(readAll([header(1001)], 1000), ["P-DATA-TF PDU of 1001 bytes, at most 1000 were negotiated"]);
});

test("lengths of 2^32-1 are refused from their header alone", () => {
  for (const type of [1, 2, 3, 4, 5, 6, 7]) {
    const [error] = readAll([Buffer.from([type, 0, 255, 255, 255, 255])]);
    assert.match(String(error), /4294967295/, `PDU type ${type}`);
  }
  const value = Buffer.from([4, 0, 0, 0, 0, 20, 255, 255, 255, 255, 1, 0]);
  assert.match(String(readAll([value])[1]), /value of 4294967295 bytes/);
});

test("a value longer than its PDU, shorter than its own header, or followed by crumbs is refused", () => {
  const pdu = (length: number, valueLength: number) => Buffer.from([4, 0, 0, 0, 0, length, 0, 0, 0, valueLength, 1, 0, 7, 7, 7, 7, 7, 7]);
  assert.match(String(readAll([pdu(8, 5)])[1]), /value of 5 bytes in a PDU with 4 left/);
  assert.match(String(readAll([pdu(8, 1)])[1]), /value of 1 bytes/);
  assert.match(String(readAll([pdu(11, 4)]).at(-1)), /3 bytes left over/);
  assert.match(String(readAll([pdu(0, 0)])[0]), /holds no value/);
});

test("an empty value is an event: it may be the last of its data set", () => {
  const pdu = Buffer.from([4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 5, 2]);
  assert.deepEqual(readAll([pdu])[1], { type: "data", contextId: 5, isCommand: false, isLast: true, bytes: "", endsValue: true });
});

test("a value comes in the pieces in which it arrived, without a copy", () => {
  const bytes = encodeData(1, false, Buffer.from("abcdef"), 0);
  const chunk = bytes.subarray(0, 15);
  const [, piece] = [...new PduReader(65536).read(chunk)];
  assert.ok(piece?.type === "data");
  assert.equal(piece.bytes.toString(), "abc");
  assert.equal(piece.endsValue, false);
  assert.equal(piece.bytes.buffer, chunk.buffer);
});
