import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCommandSet } from "../../../appliance/dimse/command-set.ts";
import { encodeData, encodePdu } from "../../../appliance/dimse/pdu.ts";
import type { AssociationDecision } from "../../../appliance/dimse/scp.ts";
import { associateRequest, echoRequest, RawPeer } from "./raw-peer.ts";
import { startRecordingScp } from "./recording-scp.ts";

/** One of each PDU, and what is none. */
const pdus = {
  "A-ASSOCIATE-RQ": encodePdu({ ...associateRequest, type: "associate-request" }),
  "A-ASSOCIATE-AC": encodePdu({ ...associateRequest, type: "associate-accept", contexts: [] }),
  "A-ASSOCIATE-RJ": encodePdu({ type: "associate-reject", result: 1, source: 1, reason: 1 }),
  "P-DATA-TF": encodeData(3, true, encodeCommandSet(echoRequest()), 16384),
  "A-RELEASE-RQ": encodePdu({ type: "release-request" }),
  "A-RELEASE-RP": encodePdu({ type: "release-response" }),
  "A-ABORT": encodePdu({ type: "abort", source: 0, reason: 0 }),
  "no PDU": Buffer.from([9, 0, 0, 0, 0, 0]),
} as const;
type PduName = keyof typeof pdus;

/** What the peer sees: the types of the PDUs that come back, until the connection ends or it closes it itself after A-ABORT or A-RELEASE-RP. */
async function answersTo(peer: RawPeer, bytes: Uint8Array): Promise<string> {
  peer.send(bytes);
  const seen: string[] = [];
  for (;;) {
    const pdu = await peer.next();
    if (!pdu) return [...seen, "closed"].join(", ");
    if (pdu.type === 7) seen.push(`abort ${pdu.body[2]}/${pdu.body[3]}`);
    else seen.push(String(pdu.type));
    if (pdu.type === 4 || pdu.type === 2) return seen.join(", "); // served: it goes on
    peer.socket.end();
  }
}

/** PS3.8 table 9-10 as a peer of an acceptor sees it: in each state that it can bring us to, what each PDU brings. */
const expected: Readonly<Record<string, Readonly<Record<PduName, string>>>> = {
  "awaiting A-ASSOCIATE-RQ": {
    "A-ASSOCIATE-RQ": "2",
    "A-ASSOCIATE-AC": "abort 0/0, closed",
    "A-ASSOCIATE-RJ": "abort 0/0, closed",
    "P-DATA-TF": "abort 0/0, closed",
    "A-RELEASE-RQ": "abort 0/0, closed",
    "A-RELEASE-RP": "abort 0/0, closed",
    "A-ABORT": "closed",
    "no PDU": "abort 0/0, closed",
  },
  "awaiting our decision": {
    "A-ASSOCIATE-RQ": "abort 2/2, closed",
    "A-ASSOCIATE-AC": "abort 2/2, closed",
    "A-ASSOCIATE-RJ": "abort 2/2, closed",
    "P-DATA-TF": "abort 2/2, closed",
    "A-RELEASE-RQ": "abort 2/2, closed",
    "A-RELEASE-RP": "abort 2/2, closed",
    "A-ABORT": "closed",
    "no PDU": "abort 2/1, closed",
  },
  "association established": {
    "A-ASSOCIATE-RQ": "abort 2/2, closed",
    "A-ASSOCIATE-AC": "abort 2/2, closed",
    "A-ASSOCIATE-RJ": "abort 2/2, closed",
    "P-DATA-TF": "4",
    "A-RELEASE-RQ": "6, closed",
    "A-RELEASE-RP": "abort 2/2, closed",
    "A-ABORT": "closed",
    "no PDU": "abort 2/1, closed",
  },
  "awaiting the close of the connection, after its release": {
    "A-ASSOCIATE-RQ": "abort 2/2, closed", // AA-7
    "A-ASSOCIATE-AC": "closed", // AA-6: ignored, until our time is up
    "A-ASSOCIATE-RJ": "closed",
    "P-DATA-TF": "closed",
    "A-RELEASE-RQ": "closed",
    "A-RELEASE-RP": "closed",
    "A-ABORT": "closed",
    "no PDU": "abort 2/1, closed",
  },
};

/** Brings a new connection into a state. */
async function inState(state: string, port: number): Promise<RawPeer> {
  const peer = await RawPeer.connect(port);
  if (state === "awaiting our decision") peer.sendPdu({ ...associateRequest, type: "associate-request", callingAeTitle: "UNDECIDED" });
  if (state === "association established" || state.endsWith("after its release")) assert.equal((await peer.associate()).accepted, true);
  if (state.endsWith("after its release")) {
    peer.sendPdu({ type: "release-request" });
    assert.equal((await peer.next())?.type, 6);
  }
  return peer;
}

for (const [state, answers] of Object.entries(expected))
  test(`every PDU while ${state}`, async () => {
    await using scp = await startRecordingScp(
      { handshakeTimeoutMs: 300 },
      {
        acceptAssociation: ({ callingAeTitle }) =>
          callingAeTitle === "UNDECIDED" ? new Promise<AssociationDecision>(() => {}) : { accept: true },
      },
    );
    for (const name of Object.keys(pdus) as PduName[]) {
      const peer = await inState(state, scp.port);
      assert.equal(await answersTo(peer, pdus[name]), answers[name], name);
      peer.socket.destroy();
      const startedAt = performance.now();
      const other = await inState("association established", scp.port);
      assert.equal(await answersTo(other, pdus["P-DATA-TF"]), "4", `C-ECHO after ${name}`);
      assert.ok(performance.now() - startedAt < 1000);
      other.socket.destroy();
    }
    assert.deepEqual(
      scp.log.filter((line) => line.includes('"level":"error"')),
      [],
    );
  });
