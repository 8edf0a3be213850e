import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { Connection, type UpperLayerUser } from "../../../appliance/dimse/connection.ts";
import { encodePdu } from "../../../appliance/dimse/pdu.ts";
import { actions, type State, states, transitions, type UpperLayerEvent } from "../../../appliance/dimse/upper-layer.ts";
import { associateRequest, RawPeer } from "./raw-peer.ts";

type Pair = { connection: Connection; peer: RawPeer; told: string[] };

/** A user that answers nothing by itself and notes what it is told. */
function silentUser(told: string[]): UpperLayerUser {
  return {
    associateIndicated: () => void told.push("associate-indicated"),
    associateConfirmed: () => void told.push("associate-confirmed"),
    associateRejected: () => void told.push("associate-rejected"),
    dataIndicated: () => void told.push("data"),
    releaseIndicated: () => void told.push("release-indicated"),
    releaseConfirmed: () => void told.push("release-confirmed"),
    abortIndicated: (cause) => void told.push(`abort by ${cause.by}`),
    failed: (error) => void told.push(`failed: ${error}`),
    closed: () => void told.push("closed"),
  };
}

async function loopback(role: "requestor" | "acceptor"): Promise<Pair> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const outgoing = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, noDelay: true });
  const told: string[] = [];
  const options = { maxPduLength: 16384, artimMs: 60_000 };
  if (role === "requestor") {
    const connection = new Connection("requestor", outgoing, silentUser(told), options);
    connection.associate(associateRequest);
    const [incoming] = await accepted;
    server.close();
    return { connection, peer: new RawPeer(incoming), told };
  }
  const [[incoming]] = await Promise.all([accepted, once(outgoing, "connect")]);
  server.close();
  return { connection: new Connection("acceptor", incoming, silentUser(told), options), peer: new RawPeer(outgoing), told };
}

const accept = { ...associateRequest, contexts: [{ id: 1, result: 0, transferSyntax: "1.2.840.10008.1.2" }] };
const pdus: Partial<Record<UpperLayerEvent, Buffer>> = {
  3: encodePdu({ ...accept, type: "associate-accept" }),
  4: encodePdu({ type: "associate-reject", result: 1, source: 1, reason: 1 }),
  6: encodePdu({ ...associateRequest, type: "associate-request" }),
  10: Buffer.from([4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3]),
  12: encodePdu({ type: "release-request" }),
  13: encodePdu({ type: "release-response" }),
  16: encodePdu({ type: "abort", source: 0, reason: 0 }),
  19: Buffer.from([0xee, 0, 0, 0, 0, 0]),
};

const reached = async ({ connection }: Pair, state: State): Promise<void> => {
  for (const deadline = Date.now() + 2000; connection.state !== state; await new Promise((resolve) => setTimeout(resolve, 1)))
    assert.ok(Date.now() < deadline, `expected state ${state}, still in ${connection.state}`);
};

/** Brings a connection into a state the way the standard reaches it. */
const ways: Partial<Record<State, () => Promise<Pair>>> = {
  2: () => loopback("acceptor"),
  3: async () => received(await loopback("acceptor"), 6, 3),
  5: async () => {
    const pair = await loopback("requestor");
    await pair.peer.next(); // A-ASSOCIATE-RQ
    return pair;
  },
  6: async () => received(await inState(5), 3, 6),
  7: async () => locally(await inState(6), (connection) => connection.release()),
  8: async () => received(await acceptorInData(), 12, 8),
  9: async () => received(await inState(7), 12, 9),
  10: async () => received(await locally(await acceptorInData(), (connection) => connection.release()), 12, 10),
  11: async () => locally(await inState(9), (connection) => connection.respondToRelease()),
  12: async () => received(await inState(10), 13, 12),
  13: async () => locally(await inState(6), (connection) => connection.abort()),
};
async function inState(state: State): Promise<Pair> {
  const pair = await ways[state]!();
  assert.equal(pair.connection.state, state);
  pair.told.length = 0;
  return pair;
}
async function received(pair: Pair, event: UpperLayerEvent, state: State): Promise<Pair> {
  pair.peer.send(pdus[event]!);
  await reached(pair, state);
  return pair;
}
/** Does what makes the connection send a PDU, and takes that PDU. */
async function locally(pair: Pair, act: (connection: Connection) => boolean): Promise<Pair> {
  assert.equal(act(pair.connection), true);
  await pair.peer.next();
  return pair;
}
const acceptorInData = async () => locally(await inState(3), (connection) => connection.accept(accept));

function expectedTold(action: string, event: number): string[] {
  if (action === "AA-3") return ["abort by peer"];
  if (action === "AA-4") return ["abort by network"];
  if (action === "AA-8") return ["abort by us"];
  if (action === "DT-2" || action === "AR-6") return ["data"];
  if (!(actions[action as keyof typeof actions][0].steps as readonly string[]).includes("indicate")) return [];
  return [
    { 3: "associate-confirmed", 4: "associate-rejected", 6: "associate-indicated", 12: "release-indicated", 13: "release-confirmed" }[
      event
    ]!,
  ];
}

for (const state of Object.keys(ways).map(Number) as State[])
  test(`what may come from the network while ${states[state]} is answered as table 9-10 says`, async () => {
    for (const event of [...Object.keys(pdus).map(Number), 17] as UpperLayerEvent[]) {
      const pair = await inState(state);
      const action = transitions[event][state]!;
      if (event === 17) pair.peer.socket.resetAndDestroy();
      else pair.peer.send(pdus[event]!);
      const isRequestor = [5, 6, 7, 9, 11, 13].includes(state);
      const ways = actions[action];
      const next = action === "AR-8" && !isRequestor ? ways[1]!.next : ways[0].next;
      if (action === "AA-6" || action === "AR-6" || action === "DT-2") await new Promise((resolve) => setTimeout(resolve, 5));
      else await reached(pair, next);
      assert.equal(pair.connection.state, next, `${action} after event ${event}`);
      if (action === "AA-1" || action === "AA-7" || action === "AA-8") {
        const pdu = await pair.peer.next();
        assert.equal(pdu?.type, 7, `A-ABORT after event ${event}`);
        assert.equal(pdu?.body[2], action === "AA-1" ? 0 : 2, "source of the A-ABORT");
      }
      if (next === 1 && event !== 17) await pair.peer.closed();
      assert.deepEqual(
        pair.told.filter((word) => word !== "closed"),
        expectedTold(action, event),
        `event ${event}`,
      );
      pair.connection.destroy();
      pair.peer.socket.destroy();
    }
  });

test("a local request in a state that has no cell for it does nothing", async () => {
  const { connection, peer } = await inState(13);
  assert.deepEqual(
    [connection.release(), connection.abort(), connection.respondToRelease(), connection.sendData([])],
    [false, false, false, false],
  );
  connection.destroy();
  await peer.closed();
});

test("the ARTIM timer ends a connection that the peer neither uses nor closes", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const peer = await RawPeer.connect((server.address() as AddressInfo).port);
  server.close();
  const [[incoming], startedAt, told] = [await accepted, performance.now(), [] as string[]];
  new Connection("acceptor", incoming, silentUser(told), { maxPduLength: 16384, artimMs: 50 });
  peer.send(Buffer.from([1, 0])); // the beginning of an A-ASSOCIATE-RQ does not stop the timer
  await peer.closed();
  assert.ok(performance.now() - startedAt >= 45);
});

test("a peer of another protocol version is rejected by the service provider", async () => {
  const pair = await inState(2);
  pair.peer.sendPdu({ ...associateRequest, protocolVersion: 2, type: "associate-request" });
  const pdu = await pair.peer.next();
  assert.deepEqual([pdu?.type, ...(pdu?.body ?? [])], [3, 0, 1, 2, 2]);
  assert.equal(pair.connection.state, 13);
  pair.connection.destroy();
});
