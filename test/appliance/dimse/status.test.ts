import assert from "node:assert/strict";
import { test } from "node:test";
import { RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";
import { failureOf, meaningOf, statusText } from "../../../appliance/dimse/status.ts";

test("an error becomes the status of PS3.4 table B.2-1 that tells the sender whether to try again", () => {
  const statusOf = (error: unknown) => statusText(failureOf(error).status);
  assert.equal(statusOf(new UnavailableError("disk-full", "disk full")), "A700");
  assert.equal(statusOf(new RefusedError("instance-mismatch", "other class")), "A900");
  assert.equal(statusOf(new RefusedError("anything", "no")), "C000");
  assert.equal(statusOf(new RefusedError("uid-invalid", "no UID")), "0117");
  assert.equal(statusOf(new TypeError("x is undefined")), "0110");
});

test("the comment is 64 characters of plain ASCII, and a fault of ours is not told", () => {
  const { comment } = failureOf(new RefusedError("x", `é\\${"a".repeat(100)}`));
  assert.equal(comment, `??${"a".repeat(62)}`);
  assert.equal(failureOf(new TypeError("secret")).comment, "internal error");
});

test("a peer's status says whether the instance is there, never will be, or may be later", () => {
  for (const status of [0x0000, 0xb000, 0xb006, 0xb007, 0x0111]) assert.equal(meaningOf(status), "stored", statusText(status));
  for (const status of [0xa700, 0xa7ff, 0x0110, 0x0213]) assert.equal(meaningOf(status), "try-again", statusText(status));
  for (const status of [0xa900, 0xa901, 0xc000, 0xcfff, 0x0122, 0x0124, 0x0117])
    assert.equal(meaningOf(status), "refused", statusText(status));
});
