import assert from "node:assert/strict";
import { test } from "node:test";
import { makeInitialPassword, makeRecoveryCodes, readRecoveryCode } from "../../../appliance/host/secret-codes.ts";
import { base32, totpCode, totpStep, totpUri } from "../../../appliance/host/totp.ts";

/** RFC 4226, appendix D, and RFC 6238, appendix B: both use this secret. */
const secret = Buffer.from("12345678901234567890");

test("codes are those of RFC 4226, appendix D", () => {
  assert.deepEqual(
    Array.from({ length: 10 }, (_, count) => totpCode(secret, count)),
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"],
  );
});

test("codes are those of RFC 6238, appendix B, to six digits", () => {
  for (const [seconds, code] of [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ] as const)
    assert.equal(totpStep(secret, code, seconds * 1000, -1), Math.floor(seconds / 30));
});

test("a code counts a step early and late, not two, and not when its step was used", () => {
  const step = 1_000_000;
  const code = totpCode(secret, step);
  const at = (steps: number, lastStep = -1) => totpStep(secret, code, (step + steps) * 30_000, lastStep);
  assert.deepEqual([at(-2), at(-1), at(0), at(1), at(2)], [undefined, step, step, step, undefined]);
  assert.deepEqual([at(0, step - 1), at(0, step), at(0, step + 1)], [step, undefined, undefined]);
});

test("what is no code of six digits is none", () => {
  for (const text of ["", "12345", "1234567", "12345a", "１２３４５６"]) assert.equal(totpStep(secret, text, 0, -1), undefined);
});

test("base32 is that of RFC 4648, 10, without padding", () => {
  const texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
  assert.deepEqual(
    texts.map((text) => base32(Buffer.from(text))),
    ["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"],
  );
});

test("the address of the QR code names box and user, with what would end a part of it escaped", () => {
  assert.equal(
    totpUri(Buffer.from("fooba"), "CT: Süd", "a&b"),
    "otpauth://totp/CT%3A%20S%C3%BCd:a%26b?secret=MZXW6YTB&issuer=CT%3A%20S%C3%BCd",
  );
});

test("ten recovery codes, each its own, are read however they are typed", () => {
  const codes = makeRecoveryCodes();
  assert.equal(new Set(codes).size, 10);
  for (const code of codes) {
    assert.match(code, /^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    assert.equal(readRecoveryCode(` ${code.toLowerCase().replaceAll("-", "")}`), code);
  }
  assert.equal(readRecoveryCode("123456"), undefined);
});

test("a password for one sign-in has 100 bits", () => {
  assert.match(makeInitialPassword(), /^([a-z2-7]{5}-){3}[a-z2-7]{5}$/);
  assert.notEqual(makeInitialPassword(), makeInitialPassword());
});
