import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type AssociateRequest, parseAssociateAccept } from "../../../appliance/dimse/associate-pdu.ts";
import { type CommandSet, encodeCommandSet, parseCommandSet } from "../../../appliance/dimse/command-set.ts";
import { encodeData, encodePdu, type Pdu } from "../../../appliance/dimse/pdu.ts";

export const ctStorage = "1.2.840.10008.5.1.4.1.1.2";
export const verification = "1.2.840.10008.1.1";
export const explicitLittle = "1.2.840.10008.1.2.1";

/** A peer that sends whatever bytes a test wants, and keeps what comes back as whole PDUs. */
export class RawPeer {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  /** Who waits for more to come. */
  #awake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#awake();
    });
    socket.on("error", () => {}); // a reset is one of the ways in which the other side may end; `closed` tells
    socket.on("close", () => {
      this.#isClosed = true;
      this.#awake();
    });
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new RawPeer(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }
  sendPdu(pdu: Pdu): void {
    this.send(encodePdu(pdu));
  }
  sendCommand(command: CommandSet, contextId = 1): void {
    this.send(encodeData(contextId, true, encodeCommandSet(command), 16384));
  }

  /** The next PDU: its type and what follows its header; null when the connection ended instead. */
  async next(): Promise<{ type: number; body: Buffer } | null> {
    for (;;) {
      const length = this.#received.length < 6 ? Number.POSITIVE_INFINITY : 6 + this.#received.readUInt32BE(2);
      if (this.#received.length >= length) {
        const pdu = { type: this.#received[0]!, body: Buffer.from(this.#received.subarray(6, length)) };
        this.#received = this.#received.subarray(length);
        return pdu;
      }
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => {
        this.#awake = resolve;
      });
    }
  }
  /** The next response, of one PDU. */
  async nextCommand(): Promise<CommandSet> {
    const pdu = await this.next();
    if (pdu?.type !== 4) throw new Error(`expected a P-DATA-TF PDU, found ${pdu ? `type ${pdu.type}` : "the end"}`);
    return parseCommandSet(pdu.body.subarray(6));
  }
  async closed(): Promise<void> {
    // not events.once, which rejects on the "error" of a reset
    if (!this.#isClosed) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  /** Asks for an association; the accepted transfer syntax for each context, or what came instead. */
  async associate(changes: Partial<AssociateRequest> = {}): Promise<{ accepted: boolean; results: number[]; body: Buffer }> {
    this.sendPdu({ ...associateRequest, ...changes, type: "associate-request" });
    const pdu = await this.next();
    if (pdu?.type !== 2) return { accepted: false, results: [], body: pdu?.body ?? Buffer.alloc(0) };
    return { accepted: true, results: parseAssociateAccept(pdu.body).contexts.map(({ result }) => result), body: pdu.body };
  }

  /** C-STORE of a data set on context 1, in PDUs of `maxPduLength`. */
  sendStore(sopInstanceUid: string, dataSet: Buffer, messageId = 1, maxPduLength = 16384): void {
    this.sendCommand(storeRequest(sopInstanceUid, messageId));
    this.send(encodeData(1, false, dataSet, maxPduLength));
  }
}

export const associateRequest: AssociateRequest = {
  protocolVersion: 1,
  calledAeTitle: "SEGBOX",
  callingAeTitle: "SCANNER",
  applicationContext: "1.2.840.10008.3.1.1.1",
  contexts: [
    { id: 1, abstractSyntax: ctStorage, transferSyntaxes: [explicitLittle] },
    { id: 3, abstractSyntax: verification, transferSyntaxes: [explicitLittle] },
  ],
  userInformation: { maxPduLength: 16384, implementationClassUid: "1.2.3", implementationVersionName: "TEST" },
};

export const storeRequest = (affectedSopInstanceUid: string, messageId = 1): CommandSet => ({
  affectedSopClassUid: ctStorage,
  commandField: 1,
  messageId,
  priority: 0,
  commandDataSetType: 1,
  affectedSopInstanceUid,
});
export const echoRequest = (messageId = 1): CommandSet => ({
  affectedSopClassUid: verification,
  commandField: 0x30,
  messageId,
  commandDataSetType: 0x0101,
});
