import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../../appliance/http/context.ts";
import { limitBodyTime, streamedBody } from "../../../appliance/http/streamed-body.ts";

test("a body that trickles is ended, one that keeps its pace is not", async () => {
  const outcomes: string[] = [];
  const ended = Promise.withResolvers<void>();
  const server = createServer(async (req, res) => {
    let bytes = 0;
    try {
      for await (const piece of streamedBody({ req, state: { requestId: "" } }, 60_000, { bytes: 1_000, withinSeconds: 1 }))
        bytes += piece.length;
      outcomes.push(`whole ${bytes}`);
      res.end();
    } catch (error) {
      outcomes.push(`${(error as Error).message}`);
    }
    if (outcomes.length === 2) ended.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sender = (bytes: number, everyMs: number) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n");
    return { socket, timer: setInterval(() => socket.write(Buffer.alloc(bytes)), everyMs) };
  };
  const senders = [sender(1, 100), sender(600, 100)];
  await ended.promise;
  for (const { socket, timer } of senders) {
    clearInterval(timer);
    socket.destroy();
  }
  server.close();
  assert.deepEqual(outcomes.sort(), ["the body came too slowly", "whole 12000"]);
});

test("an answer may go on for longer than a body may take; a body that does not come ends the connection", async () => {
  const limit = limitBodyTime(100);
  const server = createServer(async (req, res) => {
    const context = { req, res, state: { requestId: "" }, set: () => {} } as unknown as Context;
    await limit(context as Parameters<typeof limit>[0], async () => {
      res.write("begun, ");
      await sleep(400);
      res.end("ended");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    assert.equal(await (await fetch(address)).text(), "begun, ended");
    assert.equal(await (await fetch(address, { method: "POST", body: "all of it" })).text(), "begun, ended");
    const endless = new ReadableStream({ pull: () => new Promise<void>(() => {}) });
    await assert.rejects(async () => (await fetch(address, { method: "POST", body: endless, duplex: "half" } as RequestInit)).text());
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
