import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptAssociation } from "../../../appliance/pipeline/accept.ts";

const ours = { aeTitle: "SEGBOX", acceptUnknownCallers: false };
const nodes = [{ name: "scanner", aeTitle: "CT1", host: "127.0.0.1", port: 1 }];
const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 1 };

test("a node we know, calling us by our title, comes in", () => {
  assert.deepEqual(acceptAssociation(peer, ours, nodes), { accept: true });
});

test("another title than ours is turned away, in whatever case", () => {
  for (const calledAeTitle of ["ANY-SCP", "segbox"])
    assert.deepEqual(acceptAssociation({ ...peer, calledAeTitle }, { ...ours, acceptUnknownCallers: true }, nodes), {
      accept: false,
      reason: "called-ae-not-recognized",
    });
});

test("an unknown caller comes in only where the site lets it", () => {
  const stranger = { ...peer, callingAeTitle: "CT2" };
  assert.deepEqual(acceptAssociation(stranger, ours, nodes), { accept: false, reason: "calling-ae-not-recognized" });
  assert.deepEqual(acceptAssociation(stranger, { ...ours, acceptUnknownCallers: true }, nodes), { accept: true });
});
