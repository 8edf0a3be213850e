import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { askChild } from "../../../appliance/host/child-process.ts";
import { confinement } from "../../../appliance/host/confine.ts";
import type { Asked } from "./child-process-entry.ts";

const entry = join(import.meta.dirname, "child-process-entry.ts");

test("a child has no network, not even to a port of this machine", async () => {
  assert.equal(confinement().network, "none", "unshare(1) is there where the tests run");
  await using server = createServer((socket) => socket.destroy());
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
  const bytes = Buffer.from(String(port));
  assert.equal(await askChild<Asked, never, string>(entry, { what: "connect", bytes }, { stallMs: 20_000 }), "ENETUNREACH");
});

test("a child that wants more memory than it may have costs its own request", async () => {
  const ask = (memoryBytes: number) => askChild<Asked, never, number>(entry, { what: "allocate" }, { stallMs: 60_000, memoryBytes });
  await assert.rejects(ask(400_000_000), /memory|allocat/i);
  assert.equal(await ask(4_000_000_000), 30);
});

test("in a child no object has a prototype to be reached by name", async () => {
  assert.equal(await askChild<Asked, never, boolean>(entry, { what: "proto" }, { stallMs: 20_000 }), false);
});
