import { ProtocolError } from "./protocol.ts";

type ValueRepresentation = "UI" | "US" | "AE" | "LO" | "AT";

/** Elements of group 0000 that this room reads or writes, PS3.7 annex E.1; others are skipped when read. */
const elements = {
  affectedSopClassUid: [0x0002, "UI"],
  requestedSopClassUid: [0x0003, "UI"],
  commandField: [0x0100, "US"],
  messageId: [0x0110, "US"],
  messageIdBeingRespondedTo: [0x0120, "US"],
  moveDestination: [0x0600, "AE"],
  priority: [0x0700, "US"],
  commandDataSetType: [0x0800, "US"],
  status: [0x0900, "US"],
  offendingElement: [0x0901, "AT"],
  errorComment: [0x0902, "LO"],
  errorId: [0x0903, "US"],
  affectedSopInstanceUid: [0x1000, "UI"],
  requestedSopInstanceUid: [0x1001, "UI"],
  eventTypeId: [0x1002, "US"],
  actionTypeId: [0x1008, "US"],
  numberOfRemainingSuboperations: [0x1020, "US"],
  numberOfCompletedSuboperations: [0x1021, "US"],
  numberOfFailedSuboperations: [0x1022, "US"],
  numberOfWarningSuboperations: [0x1023, "US"],
  moveOriginatorApplicationEntityTitle: [0x1030, "AE"],
  moveOriginatorMessageId: [0x1031, "US"],
} as const satisfies Record<string, readonly [element: number, vr: ValueRepresentation]>;

type Elements = typeof elements;
/** A DIMSE command, PS3.7 section 9.3: text without its padding, numbers; AT is kept as its bytes. */
export type CommandSet = {
  readonly [name in keyof Elements]?: Elements[name][1] extends "US" ? number : Elements[name][1] extends "AT" ? Uint8Array : string;
};

/** (0000,0100), PS3.7 annex E.1-1. A response has bit 15 set. */
export const commandFields = {
  cStoreRequest: 0x0001,
  cStoreResponse: 0x8001,
  cGetRequest: 0x0010,
  cFindRequest: 0x0020,
  cMoveRequest: 0x0021,
  cEchoRequest: 0x0030,
  cEchoResponse: 0x8030,
  nEventReportRequest: 0x0100,
  nEventReportResponse: 0x8100,
  nActionRequest: 0x0130,
  cCancelRequest: 0x0fff,
} as const;

export const isResponse = (command: CommandSet): boolean => ((command.commandField ?? 0) & 0x8000) !== 0;

/** (0000,0800) of a message without a data set; any other value says that one follows. */
export const noDataSet = 0x0101;
/** (0000,0800) of a message with one. */
export const withDataSet = 0x0001;
export const hasDataSet = (command: CommandSet): boolean => command.commandDataSetType !== noDataSet;

const byElement: ReadonlyMap<number, { name: string; vr: ValueRepresentation }> = new Map(
  Object.entries(elements).map(([name, [element, vr]]) => [element, { name, vr }] as const),
);

/**
 * Reads a command set: implicit VR little endian, PS3.7 section 6.3.1. Wrong lengths and other groups are refused; but Orthanc 1.10 puts the list of
 * what it could not send behind its last C-GET response, where it is skipped.
 */
export function parseCommandSet(bytes: Buffer): CommandSet {
  const found: Record<string, number | string | Uint8Array> = {};
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw new ProtocolError(`${bytes.length - at} bytes left over in a command set`);
    const group = bytes.readUInt16LE(at);
    const length = bytes.readUInt32LE(at + 4);
    if (group !== 0 && isResponse(found)) break;
    if (group !== 0) throw new ProtocolError(`group ${group} in a command set`);
    if (length > bytes.length - at - 8) throw new ProtocolError(`command element of ${length} bytes, ${bytes.length - at - 8} are left`);
    const known = byElement.get(bytes.readUInt16LE(at + 2));
    const value = bytes.subarray(at + 8, at + 8 + length);
    // An empty number is taken as absent: what needs it refuses its absence
    if (known && (known.vr !== "US" || length >= 2)) found[known.name] = parseValue(known.vr, value);
    at += 8 + length;
  }
  return found as CommandSet;
}

function parseValue(vr: ValueRepresentation, value: Buffer): number | string | Uint8Array {
  if (vr === "US") return value.readUInt16LE(0);
  if (vr === "AT") return Uint8Array.from(value);
  return value.toString("latin1").replace(/[\0 ]+$/, "");
}

/** Writes a command set with its group length, elements in ascending order. */
export function encodeCommandSet(command: CommandSet): Buffer {
  const parts: Buffer[] = [];
  for (const [name, [element, vr]] of Object.entries(elements)) {
    const value = command[name as keyof CommandSet];
    if (value === undefined) continue;
    parts.push(encodeElement(element, encodeValue(vr, value)));
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([encodeElement(0, length), ...parts]);
}

function encodeValue(vr: ValueRepresentation, value: number | string | Uint8Array): Buffer {
  if (typeof value === "number") {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
  }
  if (typeof value !== "string") return Buffer.from(value);
  const padding = value.length % 2 === 0 ? "" : vr === "UI" ? "\0" : " ";
  return Buffer.from(value + padding, "latin1");
}

function encodeElement(element: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(element, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}
