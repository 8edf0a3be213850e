import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf, RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";

test("an error of ours says its class by name, its code and what caused it", () => {
  const cause = new Error("below");
  for (const [Class, name] of [
    [RefusedError, "RefusedError"],
    [UnavailableError, "UnavailableError"],
  ] as const) {
    const error = new Class("disk-full", "no room", { cause });
    assert.equal(error.name, name);
    assert.equal(error.code, "disk-full");
    assert.equal(error.cause, cause);
    assert.equal(String(error), `${name}: no room`);
  }
});

test("whatever was thrown has a message", () => {
  assert.equal(messageOf(new TypeError("no")), "no");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
});
