import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { encodeCommandSet } from "../../../appliance/dimse/command-set.ts";
import { encodeData } from "../../../appliance/dimse/pdu.ts";
import { RawPeer, storeRequest } from "./raw-peer.ts";
import { startRecordingScp, until } from "./recording-scp.ts";

/** One P-DATA-TF PDU that is not the last of its data set. */
const pduBytes = 128 * 1024;
const value = randomBytes(pduBytes - 6);
const more = encodeData(1, false, value, pduBytes);
more[11] = 0; // not the last

async function sendAll(peer: RawPeer, pdus: number): Promise<void> {
  for (let sent = 0; sent < pdus; sent++) if (!peer.socket.write(more)) await once(peer.socket, "drain");
  peer.send(encodeData(1, false, Buffer.alloc(0), pduBytes));
}

/** How many bytes left the sender when no more do. */
async function bytesLeftWhenStuck(peer: RawPeer): Promise<number> {
  const left = () => peer.socket.bytesWritten - peer.socket.writableLength;
  let [last, now] = [-1, left()];
  while (now !== last) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    [last, now] = [now, left()];
  }
  return now;
}

test("an object of 300 MB goes through in less than 100 MB, though the sink is slower than the network", async () => {
  const digest = createHash("sha256");
  let peakBytes = 0;
  let bytes = 0;
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async () => ({
        write: (chunk) => {
          digest.update(chunk);
          bytes += chunk.length;
          peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
          return new Promise((resolve) => setImmediate(resolve));
        },
        commit: async () => {},
        abort: async () => {},
      }),
    },
  );
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  const before = process.memoryUsage.rss();
  peer.sendCommand(storeRequest("1.2.3"));
  const pdus = Math.ceil(300e6 / value.length);
  await sendAll(peer, pdus);
  assert.equal((await peer.nextCommand()).status, 0);
  assert.equal(bytes, pdus * value.length);
  const expected = createHash("sha256");
  for (let index = 0; index < pdus; index++) expected.update(value);
  assert.equal(digest.digest("hex"), expected.digest("hex"));
  // Sender and receiver share this process; what remains is buffers waiting for the garbage collector
  assert.ok(peakBytes - before < 100e6, `peak ${Math.round((peakBytes - before) / 1e6)} MB above the start`);
  peer.socket.destroy();
});

test("a sink that does not take more stops the sender, and nothing is lost when it goes on", async () => {
  const { promise: freed, resolve: free } = Promise.withResolvers<void>();
  let [bytes, writes] = [0, 0];
  await using scp = await startRecordingScp(
    {},
    {
      openInstance: async () => ({
        write: (chunk) => {
          bytes += chunk.length;
          return ++writes === 10 ? freed : undefined;
        },
        commit: async () => {},
        abort: async () => {},
      }),
    },
  );
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.sendCommand(storeRequest("1.2.3"));
  const pdus = 500; // 65 MB
  const sending = sendAll(peer, pdus);
  // What left the sender lies in the kernel's two socket buffers, at most a few megabytes each
  const left = await bytesLeftWhenStuck(peer);
  assert.ok(left < 20e6, `${Math.round(left / 1e6)} MB left the sender`);
  assert.ok(bytes < 2e6, `${bytes} bytes reached the sink`);
  free();
  await sending;
  assert.equal((await peer.nextCommand()).status, 0);
  assert.equal(bytes, pdus * value.length);
  peer.socket.destroy();
});

test("a peer that asks without reading the answers is not read any further, and ends by the idle limit", async () => {
  await using scp = await startRecordingScp({ idleTimeoutMs: 1000, handshakeTimeoutMs: 100 });
  const peer = await RawPeer.connect(scp.port);
  await peer.associate();
  peer.socket.pause();
  // An operation that is not served, with a UID of 60 kB that the answer repeats: 60 MB of questions and of answers
  const request = encodeData(
    1,
    true,
    encodeCommandSet({ ...storeRequest("1".repeat(60_000)), commandField: 0x20, commandDataSetType: 0x0101 }),
    0,
  );
  let asked = 0;
  const asking = async () => {
    for (; asked < 1000 && !peer.socket.destroyed; asked++)
      if (!peer.socket.write(request)) await Promise.race([once(peer.socket, "drain"), once(peer.socket, "close")]);
  };
  const ended = asking().catch(() => {}); // the connection is reset in the midst of it
  await until(() => scp.events.at(-1) === "closed SCANNER", "the association to end");
  assert.ok(scp.log.some((line) => line.includes("association-idle")));
  assert.ok(asked < 500, `${asked} of 1000 questions were taken`);
  peer.socket.destroy();
  await ended;
});
