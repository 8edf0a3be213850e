import assert from "node:assert/strict";
import { test } from "node:test";
import { promisify } from "node:util";
import { isNowhere, nodeLookup } from "../../../appliance/config/no-node.ts";

type Answer = readonly { readonly address: string }[];
const addressesOf = (host: string, name: string): Promise<Answer> =>
  new Promise((resolve, reject) =>
    nodeLookup(host)(name, { all: true }, (error, found) => (error ? reject(error) : resolve(found as unknown as Answer))),
  );

test("a name that somebody points at this machine leads nowhere, and a host that says localhost leads here", async () => {
  await assert.rejects(addressesOf("pacs.hospital.example", "localhost"), { code: "address-not-allowed" });
  for (const { address } of await addressesOf("localhost", "localhost")) assert.match(address, /^127\.|^::1$/);
  const one = promisify(
    nodeLookup("localhost") as (name: string, options: object, done: (error: Error | null, address: string) => void) => void,
  );
  assert.match(await one("localhost", { family: 4 }), /^127\./);
});

test("where clouds keep their secrets, and at addresses of no one machine, no node can be", () => {
  for (const address of [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "[fe80::1]",
    "fd00:ec2::254",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
  ]) {
    assert.equal(isNowhere(address), true, address);
    assert.throws(() => nodeLookup(address), { code: "address-not-allowed" }, address);
  }
  for (const address of ["10.1.2.3", "192.168.1.5", "127.0.0.1", "[::1]", "fd00::5", "8.8.8.8", "pacs.hospital.example"]) {
    assert.equal(isNowhere(address), false, address);
    assert.doesNotThrow(() => nodeLookup(address), address);
  }
});
