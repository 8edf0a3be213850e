import { ProtocolError, pduTypes } from "./protocol.ts";

/** PS3.7 annex A.2.1: the only application context there is. */
export const dicomApplicationContext = "1.2.840.10008.3.1.1.1";

/** Which parts the requestor may play for a class, PS3.7 annex D.3.3.4; without one it is the SCU and the acceptor the SCP. */
export type RoleSelection = { readonly sopClassUid: string; readonly scu: boolean; readonly scp: boolean };

/** What both sides say of themselves, PS3.7 annex D.3.3. Extended negotiation and user identity are skipped. */
export type UserInformation = {
  /** Longest P-DATA-TF PDU that this side takes, its first 6 bytes not counted; 0: any. */
  readonly maxPduLength: number;
  readonly implementationClassUid: string;
  readonly implementationVersionName: string;
  /** Absent: none. */
  readonly roles?: readonly RoleSelection[];
};

export type ProposedContext = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
};

/** The standard names no least value; below this a C-STORE would be mostly headers, and a value would not fit at all. */
const leastMaxPduLength = 128;

/** PS3.8 table 9-18. */
export const contextResults = {
  acceptance: 0,
  userRejection: 1,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const;
export type NegotiatedContext = { readonly id: number; readonly result: number; readonly transferSyntax: string };

type AssociateHeader = {
  readonly protocolVersion: number;
  /** As they stand in the PDU, outer spaces kept off. */
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly applicationContext: string;
  readonly userInformation: UserInformation;
};
export type AssociateRequest = AssociateHeader & { readonly contexts: readonly ProposedContext[] };
export type AssociateAccept = AssociateHeader & { readonly contexts: readonly NegotiatedContext[] };

const itemTypes = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  negotiatedContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementationClassUid: 0x52,
  roleSelection: 0x54,
  implementationVersionName: 0x55,
} as const;

/** PS3.8 section 9.3.2, from byte 7 on. Unknown items are skipped, as section 9.3.1 asks; wrong lengths and doubled context ids are refused. */
export function parseAssociateRequest(body: Buffer): AssociateRequest {
  const contexts: ProposedContext[] = [];
  const header = parseAssociate(body, itemTypes.proposedContext, (value) => {
    const id = value[0]!;
    let abstractSyntax = "";
    const transferSyntaxes: string[] = [];
    for (const item of items(value.subarray(4))) {
      if (item.type === itemTypes.abstractSyntax) abstractSyntax = uidText(item.value);
      if (item.type === itemTypes.transferSyntax) transferSyntaxes.push(uidText(item.value));
    }
    if (id % 2 === 0 || contexts.some((context) => context.id === id))
      throw new ProtocolError(`expected odd presentation context ids, each once, found ${id}`);
    contexts.push({ id, abstractSyntax, transferSyntaxes });
  });
  return { ...header, contexts };
}

/** PS3.8 section 9.3.3, from byte 7 on. */
export function parseAssociateAccept(body: Buffer): AssociateAccept {
  const contexts: NegotiatedContext[] = [];
  const header = parseAssociate(body, itemTypes.negotiatedContext, (value) => {
    let transferSyntax = "";
    for (const item of items(value.subarray(4))) if (item.type === itemTypes.transferSyntax) transferSyntax = uidText(item.value);
    contexts.push({ id: value[0]!, result: value[2]!, transferSyntax });
  });
  return { ...header, contexts };
}

function parseAssociate(body: Buffer, contextType: number, onContext: (value: Buffer) => void): AssociateHeader {
  if (body.length < 68) throw new ProtocolError(`A-ASSOCIATE PDU of ${body.length} bytes, expected at least 68`);
  let applicationContext = "";
  let userInformation: UserInformation = { maxPduLength: 0, implementationClassUid: "", implementationVersionName: "" };
  for (const { type, value } of items(body.subarray(68))) {
    if (type === itemTypes.applicationContext) applicationContext = uidText(value);
    if (type === itemTypes.userInformation) userInformation = parseUserInformation(value);
    if (type === contextType) {
      if (value.length < 4) throw new ProtocolError(`presentation context item of ${value.length} bytes, expected at least 4`);
      onContext(value);
    }
  }
  return {
    protocolVersion: body.readUInt16BE(0),
    calledAeTitle: aeText(body.subarray(4, 20)),
    callingAeTitle: aeText(body.subarray(20, 36)),
    applicationContext,
    userInformation,
  };
}

function parseUserInformation(bytes: Buffer): UserInformation {
  const found = { maxPduLength: 0, implementationClassUid: "", implementationVersionName: "" };
  const roles: RoleSelection[] = [];
  for (const { type, value } of items(bytes)) {
    if (type === itemTypes.maximumLength) {
      if (value.length !== 4) throw new ProtocolError(`maximum length item of ${value.length} bytes, expected 4`);
      found.maxPduLength = value.readUInt32BE(0);
      if (found.maxPduLength !== 0 && found.maxPduLength < leastMaxPduLength)
        throw new ProtocolError(`a maximum PDU length of ${found.maxPduLength} bytes, expected at least ${leastMaxPduLength}`);
    }
    if (type === itemTypes.implementationClassUid) found.implementationClassUid = uidText(value);
    if (type === itemTypes.implementationVersionName) found.implementationVersionName = aeText(value);
    if (type === itemTypes.roleSelection) roles.push(parseRole(value));
  }
  return { ...found, ...(roles.length > 0 && { roles }) };
}

function parseRole(value: Buffer): RoleSelection {
  const uidLength = value.length < 4 ? -1 : value.readUInt16BE(0);
  if (uidLength !== value.length - 4) throw new ProtocolError(`role selection item of ${value.length} bytes, its UID says ${uidLength}`);
  return { sopClassUid: uidText(value.subarray(2, 2 + uidLength)), scu: value.at(-2) === 1, scp: value.at(-1) === 1 };
}

/** Items and sub-items alike: type, a reserved byte, a length of two bytes, the value. */
function* items(bytes: Buffer): Generator<{ type: number; value: Buffer }> {
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new ProtocolError(`${bytes.length - at} bytes left over after the last item`);
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw new ProtocolError(`item of ${end - at} bytes, ${bytes.length - at} are left`);
    yield { type: bytes[at]!, value: bytes.subarray(at + 4, end) };
    at = end;
  }
}

/** UIDs in PDUs are not padded, PS3.8 annex F; some peers pad them all the same. */
const uidText = (bytes: Buffer): string => bytes.toString("latin1").replace(/[\0 ]+$/, "");
const aeText = (bytes: Buffer): string => bytes.toString("latin1").replace(/^ +|[\0 ]+$/g, "");

export function encodeAssociateRequest(request: AssociateRequest): Buffer {
  return encodeAssociate(
    pduTypes.associateRequest,
    request,
    request.contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
      item(
        itemTypes.proposedContext,
        Buffer.concat([
          Buffer.from([id, 0, 0, 0]),
          item(itemTypes.abstractSyntax, Buffer.from(abstractSyntax, "latin1")),
          ...transferSyntaxes.map((uid) => item(itemTypes.transferSyntax, Buffer.from(uid, "latin1"))),
        ]),
      ),
    ),
  );
}

export function encodeAssociateAccept(accept: AssociateAccept): Buffer {
  return encodeAssociate(
    pduTypes.associateAccept,
    accept,
    accept.contexts.map(({ id, result, transferSyntax }) =>
      item(
        itemTypes.negotiatedContext,
        Buffer.concat([Buffer.from([id, 0, result, 0]), item(itemTypes.transferSyntax, Buffer.from(transferSyntax, "latin1"))]),
      ),
    ),
  );
}

function encodeAssociate(pduType: number, header: AssociateHeader, contexts: readonly Buffer[]): Buffer {
  const { maxPduLength, implementationClassUid, implementationVersionName, roles = [] } = header.userInformation;
  const maximumLength = Buffer.alloc(4);
  maximumLength.writeUInt32BE(maxPduLength);
  const body = Buffer.concat([
    fixedPart(header),
    item(itemTypes.applicationContext, Buffer.from(header.applicationContext, "latin1")),
    ...contexts,
    item(
      itemTypes.userInformation,
      Buffer.concat([
        item(itemTypes.maximumLength, maximumLength),
        item(itemTypes.implementationClassUid, Buffer.from(implementationClassUid, "latin1")),
        ...roles.map(roleItem),
        item(itemTypes.implementationVersionName, Buffer.from(implementationVersionName, "latin1")),
      ]),
    ),
  ]);
  const head = Buffer.alloc(6);
  head[0] = pduType;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function roleItem({ sopClassUid, scu, scp }: RoleSelection): Buffer {
  const uid = Buffer.from(sopClassUid, "latin1");
  return item(itemTypes.roleSelection, Buffer.concat([Buffer.from([0, uid.length]), uid, Buffer.from([scu ? 1 : 0, scp ? 1 : 0])]));
}

function fixedPart({ protocolVersion, calledAeTitle, callingAeTitle }: AssociateHeader): Buffer {
  const fixed = Buffer.alloc(68);
  fixed.writeUInt16BE(protocolVersion, 0);
  fixed.write(calledAeTitle.padEnd(16), 4, 16, "latin1");
  fixed.write(callingAeTitle.padEnd(16), 20, 16, "latin1");
  return fixed;
}

function item(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}
