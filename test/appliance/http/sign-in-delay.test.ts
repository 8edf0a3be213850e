import assert from "node:assert/strict";
import { test } from "node:test";
import { SignInDelay } from "../../../appliance/http/sign-in-delay.ts";

test("five tries are free, then each pause is twice the last, up to a minute", () => {
  let now = 0;
  const delay = new SignInDelay(() => now);
  const waits: number[] = [];
  for (let attempt = 0; attempt < 14; attempt++) {
    const waitMs = delay.begin("anna", `10.0.0.${attempt}`);
    waits.push(waitMs);
    now += waitMs;
    if (waitMs > 0) assert.equal(delay.begin("anna", `10.0.1.${attempt}`), 0);
  }
  assert.deepEqual(
    waits,
    [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000),
  );
});

test("pauses after wrong codes grow up to an hour, and are remembered for a day", () => {
  let now = 0;
  const delay = new SignInDelay(() => now);
  let longest = 0;
  for (let attempt = 0; attempt < 20; attempt++) {
    now += delay.begin("anna", `10.0.0.${attempt}`, "code");
    delay.begin("anna", `10.0.1.${attempt}`, "code");
    longest = Math.max(longest, delay.begin("anna", `10.0.2.${attempt}`, "code"));
  }
  assert.equal(longest, 3_600_000);
  assert.equal(delay.begin("anna", "10.0.3.1"), 0, "passwords are another count");
  now += 23 * 3_600_000;
  delay.begin("anna", "10.0.3.2", "code");
  assert.equal(delay.begin("anna", "10.0.3.3", "code"), 3_600_000);
});

test("many tries at the same moment are not all free", () => {
  const delay = new SignInDelay(() => 0);
  const free = Array.from({ length: 100 }, () => delay.begin("anna", "10.0.0.1")).filter((waitMs) => waitMs === 0);
  assert.equal(free.length, 5);
});

test("one address that tries many names is slowed down too, another is not", () => {
  const delay = new SignInDelay(() => 0);
  for (let name = 0; name < 20; name++) assert.equal(delay.begin(`user${name}`, "10.0.0.1"), 0);
  assert.equal(delay.begin("user20", "10.0.0.1"), 1000);
  assert.equal(delay.begin("user20", "10.0.0.2"), 0);
});

test("success clears the account, whatever the case of its name, but not the failures of the address", () => {
  const delay = new SignInDelay(() => 0);
  for (let attempt = 0; attempt < 4; attempt++) delay.begin("Anna", "10.0.0.1");
  delay.begin("anna", "10.0.0.1");
  delay.succeeded("ANNA", "10.0.0.1");
  assert.equal(delay.begin("anna", "10.0.0.1"), 0);
  for (let name = 0; name < 15; name++) delay.begin(`user${name}`, "10.0.0.1");
  assert.equal(delay.begin("somebody", "10.0.0.1"), 1000);
});

test("an hour without a failure is forgotten", () => {
  let now = 0;
  const delay = new SignInDelay(() => now);
  for (let attempt = 0; attempt < 5; attempt++) delay.begin("anna", "10.0.0.1");
  now = 60 * 60_000 + 1;
  assert.equal(delay.begin("anna", "10.0.0.1"), 0);
});

test("it remembers a bounded number of names, the latest ones", () => {
  const delay = new SignInDelay(() => 0, 10);
  for (let attempt = 0; attempt < 5; attempt++) delay.begin("anna", "10.0.0.1");
  for (let name = 0; name < 4; name++) delay.begin(`user${name}`, `10.0.1.${name}`);
  assert.equal(delay.begin("anna", "10.0.0.9"), 1000);
  for (let name = 4; name < 9; name++) delay.begin(`user${name}`, `10.0.1.${name}`);
  assert.equal(delay.begin("anna", "10.0.0.9"), 0);
});
