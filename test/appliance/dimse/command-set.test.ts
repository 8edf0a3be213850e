import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CommandSet, encodeCommandSet, hasDataSet, parseCommandSet } from "../../../appliance/dimse/command-set.ts";
import { ProtocolError } from "../../../appliance/dimse/protocol.ts";

test("a C-ECHO request is the bytes that PS3.7 section 9.3.5.1 gives", () => {
  const bytes = encodeCommandSet({
    affectedSopClassUid: "1.2.840.10008.1.1",
    commandField: 0x30,
    messageId: 7,
    commandDataSetType: 0x0101,
  });
  const text = [
    "0000 0000 04000000 38000000", // group length: the 56 bytes after it
    "0000 0200 12000000 312e322e3834302e31303030382e312e3100", // padded with a null byte to an even length
    "0000 0001 02000000 3000",
    "0000 1001 02000000 0700",
    "0000 0008 02000000 0101",
  ];
  assert.equal(bytes.toString("hex"), text.join("").replaceAll(" ", ""));
});

test("a command set is read as it was written", () => {
  const number = fc.integer({ min: 0, max: 0xffff });
  const uid = fc.stringMatching(/^1(\.[1-9]{1,5}){1,10}$/);
  const command = fc.record(
    {
      affectedSopClassUid: uid,
      affectedSopInstanceUid: uid,
      commandField: number,
      messageId: number,
      status: number,
      commandDataSetType: number,
      errorComment: fc.stringMatching(/^[a-z]([a-z ]{0,60}[a-z])?$/),
      moveOriginatorApplicationEntityTitle: fc.stringMatching(/^[A-Z]{1,16}$/),
      moveOriginatorMessageId: number,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(command, (it) => assert.deepEqual(parseCommandSet(encodeCommandSet(it as CommandSet)), { ...it })),
    { numRuns: 1000 },
  );
});

test("unknown elements are skipped, an empty number counts as absent", () => {
  const bytes = Buffer.from("0000015102000000aabb" + "0000100100000000" + "00000009020000000001", "hex");
  assert.deepEqual(parseCommandSet(bytes), { status: 0x0100 });
});

test("a wrong length or another group is refused", () => {
  assert.throws(() => parseCommandSet(Buffer.from("00000001ffffffff3000", "hex")), { name: "ProtocolError", message: /4294967295 bytes/ });
  assert.throws(() => parseCommandSet(Buffer.from("0000000102", "hex")), { name: "ProtocolError" });
  assert.throws(() => parseCommandSet(Buffer.from("1000100002000000414a", "hex")), { name: "ProtocolError", message: /group 16/ });
});

test("any bytes throw nothing but a protocol error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseCommandSet(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 5000 },
  );
});

test("every Command Data Set Type but 0101H announces a data set", () => {
  assert.equal(hasDataSet({ commandDataSetType: 0x0101 }), false);
  for (const commandDataSetType of [0, 1, 0x0102, 0xfefe]) assert.equal(hasDataSet({ commandDataSetType }), true);
});
