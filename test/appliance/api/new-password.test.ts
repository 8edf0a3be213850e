import assert from "node:assert/strict";
import { test } from "node:test";
import { judgePassword, requireGoodPassword } from "../../../appliance/api/new-password.ts";

const faultOf = (password: string): string | undefined => judgePassword(password, ["dora", "Radiology CT 2"]).fault?.code;

test("a few words that do not belong together are taken, whatever they consist of", () => {
  for (const password of [
    "plum violin harbour 42",
    "correct horse battery",
    "käse brücke zaun ente",
    "鳥 山 猫 犬 雨 雪 花 月 夜",
    "xxxQv7 harbour lamp",
  ])
    assert.equal(faultOf(password), undefined, password);
});

test("fourteen characters are too few, however strong; emoji count as one each", () => {
  assert.equal(faultOf("x9$Kq!v2Lm#7Rt"), "password-length");
  assert.equal(faultOf("🦊".repeat(14)), "password-length");
  assert.equal(faultOf("a".repeat(1025)), "password-length");
});

test("common ones, repeated ones and runs along the keyboard are refused", () => {
  for (const password of ["passwordpassword", "123456789012345", "aaaaaaaaaaaaaaaa", "qwertzuiopasdfg", "Winter2026Winter2026"])
    assert.equal(faultOf(password), "password-common", password);
});

test("the names of user, station and product do not count", () => {
  for (const password of ["segbox-dora-2026", "Radiology-Dora-7", "SEGBOX radiology"])
    assert.equal(faultOf(password), "password-names", password);
});

test("the refusal does not repeat the password", () => {
  assert.throws(
    () => requireGoodPassword("hunter2", []),
    ({ message }: Error) => !message.includes("hunter2"),
  );
});
