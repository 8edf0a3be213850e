import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeServices, offers, type RemoteNode } from "../../../appliance/domain/remote-node.ts";

const node: RemoteNode = { name: "pacs", aeTitle: "PACS", host: "pacs.example", port: 104 };
const found = { at: 1, services: ["echo", "find", "get", "commitment"] } as const;
const offered = (of: RemoteNode) => nodeServices.filter((service) => offers(of, service)).join(" ");

test("a node is used for what its setting names, else for what a test has found, else for echo and storage", () => {
  assert.equal(offered(node), "echo store");
  assert.equal(offered({ ...node, services: ["store", "commitment"], found }), "store commitment");
  assert.equal(offered({ ...node, services: [] }), "");
});

test("storage commitment is asked for only where the setting names it, since it changes what delivered means", () => {
  assert.equal(offered({ ...node, found }), "echo find get");
});
