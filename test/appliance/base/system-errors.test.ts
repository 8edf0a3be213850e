import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { plainly } from "../../../appliance/base/system-errors.ts";
import { freePort } from "../../peers/ports.ts";

const thrown = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => assert.fail("expected an error"),
    (error: unknown) => error,
  );

test("what the system says is told in words, with what it is about", async () => {
  assert.equal(plainly(await thrown(readdir("/nowhere/at/all"))), "/nowhere/at/all: there is no such file or folder (ENOENT)");
  assert.equal(plainly(await thrown(readdir("/etc/hostname"))), "/etc/hostname: that is no folder (ENOTDIR)");
  const port = await freePort();
  assert.equal(
    plainly(await thrown(once(connect(port, "127.0.0.1"), "connect"))),
    `127.0.0.1:${port}: nothing listens there (ECONNREFUSED)`,
  );
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  assert.match(
    plainly(await thrown(once(createServer().listen(port, "127.0.0.1"), "listening"))),
    new RegExp(`^127\\.0\\.0\\.1:${port}: another program listens there already; stop that, or choose another port \\(EADDRINUSE\\)$`),
  );
  server.close();
  assert.match(plainly(await thrown(lookup("no-such-host.invalid"))), /^no-such-host\.invalid: /);
});

test("what is no error of the system is told as it says it", () => {
  assert.equal(plainly(new Error("slice 3 is missing")), "slice 3 is missing");
  assert.equal(plainly(Object.assign(new Error("odd"), { code: "constructor" })), "odd");
  assert.equal(plainly("text"), "text");
});
