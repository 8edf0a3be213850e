import assert from "node:assert/strict";
import { test } from "node:test";
import { type AssociateRequest, parseAssociateAccept, parseAssociateRequest } from "../../../appliance/dimse/associate-pdu.ts";
import { encodeData, encodePdu, valueRoom } from "../../../appliance/dimse/pdu.ts";

const item = (type: number, value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value as string, "latin1");
  return Buffer.concat([Buffer.from([type, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
};
const fixed = Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.from("SEGBOX          SCANNER         "), Buffer.alloc(32)]);

const request: AssociateRequest = {
  protocolVersion: 1,
  calledAeTitle: "SEGBOX",
  callingAeTitle: "SCANNER",
  applicationContext: "1.2.840.10008.3.1.1.1",
  contexts: [
    { id: 1, abstractSyntax: "1.2.840.10008.1.1", transferSyntaxes: ["1.2.840.10008.1.2"] },
    { id: 255, abstractSyntax: "1.2.840.10008.5.1.4.1.1.2", transferSyntaxes: ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1"] },
  ],
  userInformation: {
    maxPduLength: 16384,
    implementationClassUid: "1.2.3",
    implementationVersionName: "V1",
    roles: [{ sopClassUid: "1.2.840.10008.1.1", scu: true, scp: true }],
  },
};

/** The body of A-ASSOCIATE-RQ put together by hand from PS3.8 tables 9-11 to 9-16, with items that we skip. */
function bodyByHand(): Buffer {
  return Buffer.concat([
    fixed,
    item(0x10, "1.2.840.10008.3.1.1.1"),
    item(0x20, Buffer.concat([Buffer.from([1, 0, 0, 0]), item(0x30, "1.2.840.10008.1.1"), item(0x40, "1.2.840.10008.1.2")])),
    item(
      0x20,
      Buffer.concat([
        Buffer.from([255, 0, 0, 0]),
        item(0x30, "1.2.840.10008.5.1.4.1.1.2\0"), // padded, as some peers do
        item(0x40, "1.2.840.10008.1.2.4.90"),
        item(0x40, "1.2.840.10008.1.2.1"),
      ]),
    ),
    item(0x77, "an item nobody knows"),
    item(
      0x50,
      Buffer.concat([
        item(0x51, Buffer.from([0, 0, 0x40, 0])),
        item(0x52, "1.2.3"),
        item(0x53, Buffer.from([0, 1, 0, 1])), // asynchronous operations window
        item(0x54, Buffer.concat([Buffer.from([0, 17]), Buffer.from("1.2.840.10008.1.1"), Buffer.from([1, 1])])), // role selection
        item(0x55, "V1"),
        item(0x56, Buffer.concat([Buffer.from([0, 17]), Buffer.from("1.2.840.10008.1.1"), Buffer.from([2, 0, 0])])), // extended negotiation
        item(0x58, Buffer.from([1, 0, 0, 4, 110, 97, 109, 101, 0, 0])), // user identity
      ]),
    ),
  ]);
}

test("an A-ASSOCIATE-RQ is read, and what we do not negotiate is skipped", () => {
  assert.deepEqual(parseAssociateRequest(bodyByHand()), request);
});

test("a role selection whose UID does not fit its item is refused", () => {
  const body = (uidLength: number) =>
    Buffer.concat([fixed, item(0x50, item(0x54, Buffer.concat([Buffer.from([0, uidLength]), Buffer.from("1.2"), Buffer.from([0, 1])])))]);
  assert.deepEqual(parseAssociateRequest(body(3)).userInformation.roles, [{ sopClassUid: "1.2", scu: false, scp: true }]);
  for (const uidLength of [2, 4, 255]) assert.throws(() => parseAssociateRequest(body(uidLength)), /role selection item of 7 bytes/);
});

test("an A-ASSOCIATE-RQ is written as it is read", () => {
  const bytes = encodePdu({ type: "associate-request", ...request });
  assert.equal(bytes[0], 1);
  assert.equal(bytes.readUInt32BE(2), bytes.length - 6);
  assert.deepEqual(parseAssociateRequest(bytes.subarray(6)), request);
});

test("an A-ASSOCIATE-AC is written as it is read, with both AE titles and refused contexts", () => {
  const contexts = [
    { id: 1, result: 0, transferSyntax: "1.2.840.10008.1.2" },
    { id: 3, result: 4, transferSyntax: "1.2.840.10008.1.2.1" },
  ];
  const accept = { ...request, contexts };
  const bytes = encodePdu({ ...accept, type: "associate-accept" });
  assert.deepEqual(parseAssociateAccept(bytes.subarray(6)), accept);
});

test("an item longer than what is left is refused", () => {
  const body = Buffer.concat([fixed, Buffer.from([0x10, 0, 0, 9, 0x31])]);
  assert.throws(() => parseAssociateRequest(body), { name: "ProtocolError", message: /item of 13 bytes, 5 are left/ });
});

test("an even or doubled presentation context id is refused", () => {
  const context = (id: number) => item(0x20, Buffer.concat([Buffer.from([id, 0, 0, 0]), item(0x30, "1.2"), item(0x40, "1.2")]));
  assert.throws(() => parseAssociateRequest(Buffer.concat([fixed, context(2)])), { name: "ProtocolError" });
  assert.throws(() => parseAssociateRequest(Buffer.concat([fixed, context(1), context(1)])), { name: "ProtocolError" });
});

test("a peer that takes only 12 bytes at once is refused, one that takes any number is not", () => {
  const withMaximum = (length: number) => Buffer.concat([fixed, item(0x50, item(0x51, Buffer.from([0, 0, 0, length])))]);
  assert.throws(() => parseAssociateRequest(withMaximum(12)), { name: "ProtocolError", message: /12 bytes, expected at least 128/ });
  assert.equal(parseAssociateRequest(withMaximum(0)).userInformation.maxPduLength, 0);
});

test("the short PDUs are the bytes of PS3.8 sections 9.3.4 and 9.3.6 to 9.3.8", () => {
  assert.equal(encodePdu({ type: "associate-reject", result: 2, source: 3, reason: 2 }).toString("hex"), "03000000000400020302");
  assert.equal(encodePdu({ type: "release-request" }).toString("hex"), "05000000000400000000");
  assert.equal(encodePdu({ type: "release-response" }).toString("hex"), "06000000000400000000");
  assert.equal(encodePdu({ type: "abort", source: 2, reason: 6 }).toString("hex"), "07000000000400000206");
});

test("data is cut into PDUs that the peer takes, the last one marked", () => {
  const pdus = encodeData(3, true, Buffer.from("abcdefg"), 10);
  // room for 4 bytes each: PDU length 10 = value length field 4 + context id and control header 2 + 4
  assert.equal(pdus.toString("latin1"), "\x04\0\0\0\0\x0a\0\0\0\x06\x03\x01abcd\x04\0\0\0\0\x09\0\0\0\x05\x03\x03efg");
});

test("a value is even and no longer than 128 KiB even for a peer that takes any length", () => {
  assert.equal(valueRoom(16384), 16378);
  assert.equal(valueRoom(16383), 16376);
  assert.equal(valueRoom(0), 131066);
  assert.equal(valueRoom(0xffffffff), 131066);
});
