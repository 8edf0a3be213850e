import assert from "node:assert/strict";
import { test } from "node:test";
import { derivedUid, newUid } from "../../../appliance/dicom/uids.ts";
import { parseUid } from "../../../appliance/domain/ids.ts";

test("a new UID is the decimal value of its UUID", () => {
  // The example of PS3.5 B.2.
  assert.equal(
    newUid(() => "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    "2.25.329800735698586629295641978511506172918",
  );
});

test("new UIDs differ and are valid", () => {
  const uids = new Set(Array.from({ length: 100 }, () => parseUid(newUid())));
  assert.equal(uids.size, 100);
});

test("a derived UID is the version 5 UUID of owner and name", () => {
  // python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_OID, "2.25.222/dimension-organization").int)'
  assert.equal(derivedUid("2.25.222", "dimension-organization"), "2.25.48535068302743390158969923443317044285");
});
