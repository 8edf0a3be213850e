import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCommandSet } from "../../../appliance/dimse/command-set.ts";
import { MessageReader } from "../../../appliance/dimse/message-reader.ts";
import type { DataPiece } from "../../../appliance/dimse/pdu-reader.ts";

const withData = encodeCommandSet({ commandField: 1, messageId: 1, commandDataSetType: 1 });
const withoutData = encodeCommandSet({ commandField: 0x30, messageId: 1, commandDataSetType: 0x0101 });
const piece = (bytes: Buffer, changes: Partial<DataPiece> = {}): DataPiece => ({
  type: "data",
  contextId: 1,
  isCommand: true,
  isLast: true,
  endsValue: true,
  bytes,
  ...changes,
});
const reader = () => new MessageReader((contextId) => contextId === 1 || contextId === 3);

test("a command in several values and pieces is one command", () => {
  const messages = reader();
  assert.equal(messages.read(piece(withoutData.subarray(0, 10), { isLast: false })), null);
  assert.equal(messages.read(piece(withoutData.subarray(10, 20), { endsValue: false })), null);
  const event = messages.read(piece(withoutData.subarray(20)));
  assert.equal(event?.type === "command" && event.command.commandField, 0x30);
});

test("data set bytes follow their command, and the last piece of the last value ends them", () => {
  const messages = reader();
  messages.read(piece(withData));
  const data = { isCommand: false };
  assert.deepEqual(messages.read(piece(Buffer.from("ab"), { ...data, isLast: false })), {
    type: "data-set",
    bytes: Buffer.from("ab"),
    isEnd: false,
  });
  assert.deepEqual(messages.read(piece(Buffer.from("cd"), { ...data, endsValue: false })), {
    type: "data-set",
    bytes: Buffer.from("cd"),
    isEnd: false,
  });
  assert.deepEqual(messages.read(piece(Buffer.from("ef"), data)), { type: "data-set", bytes: Buffer.from("ef"), isEnd: true });
  assert.equal(messages.read(piece(withoutData, { contextId: 3 }))?.type, "command");
});

test("data without a command, a command within a data set, and a change of context are refused", () => {
  assert.throws(() => reader().read(piece(withData, { isCommand: false })), { name: "ProtocolError", message: /without its command/ });
  assert.throws(() => reader().read(piece(withData, { contextId: 5 })), {
    name: "ProtocolError",
    message: /context 5, which was not accepted/,
  });
  const messages = reader();
  messages.read(piece(withData));
  assert.throws(() => messages.read(piece(withData)), { name: "ProtocolError", message: /where a data set is due/ });
  assert.throws(() => messages.read(piece(withData, { isCommand: false, contextId: 3 })), {
    name: "ProtocolError",
    message: /context 3 within/,
  });
});

test("a command set that does not end is refused at 64 KiB", () => {
  const messages = reader();
  const part = piece(Buffer.alloc(16384), { isLast: false });
  for (let index = 0; index < 4; index++) assert.equal(messages.read(part), null);
  assert.throws(() => messages.read(piece(Buffer.alloc(1), { isLast: false })), { name: "ProtocolError", message: /longer than 65536/ });
});
