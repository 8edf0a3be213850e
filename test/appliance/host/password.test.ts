import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword, verifyPassword } from "../../../appliance/host/password.ts";

test("a password is known again, another one is not", async () => {
  const hash = await hashPassword("correct horse battery");
  assert.equal(await verifyPassword("correct horse battery", hash), true);
  assert.equal(await verifyPassword("correct horse batterz", hash), false);
});

test("the hash names argon2id with OWASP's parameters and has a salt of its own", async () => {
  const [one, other] = [await hashPassword("correct horse battery"), await hashPassword("correct horse battery")];
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, other);
});

test("a hash of the reference implementation is read, with its own parameters", async () => {
  // RFC 9106's reference: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 (phc-winner-argon2, test.c)
  const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  assert.equal(await verifyPassword("password", hash), true);
  assert.equal(await verifyPassword("Password", hash), false);
});

test("composed and decomposed letters are the same password", async () => {
  const hash = await hashPassword("Schl\u00fcssel-Bund");
  assert.equal(await verifyPassword("Schlu\u0308ssel-Bund", hash), true);
});

test("what is not such a hash is a fault, not a wrong password", async () => {
  await assert.rejects(verifyPassword("x", "$2b$10$abcdefghijklmnopqrstuv"), /not in the form/);
});
