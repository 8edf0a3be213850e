import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { listAudit } from "../../../appliance/store/audit.ts";
import { run } from "../../peers/process.ts";
import { type Box, password, startBox } from "./box.ts";

const cli = join(import.meta.dirname, "../../../appliance/cli/main.ts");

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

/** The status of a try to sign in, made from an address of this machine: all of 127.0.0.0/8 is its own. */
function guess(name: string, secret: string, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", Origin: box.origin };
    const asked = request(`${box.origin}/api/session`, { method: "POST", headers, localAddress, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify({ name, password: secret }));
  });
}

/** How many of the tries were looked at; a tenth of a second passes before each. */
async function countTested(tries: number, next: (attempt: number) => readonly [name: string, address: string]): Promise<number> {
  let tested = 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    box.passTime(100);
    const status = await guess(...([next(attempt)[0], `guess number ${attempt}`, next(attempt)[1]] as const));
    if (status === 401) tested++;
    else assert.equal(status, 429);
  }
  return tested;
}

/** Free tries, the pauses of 1, 2, 4 … 32 s, and then one a minute. */
const mostTested = (free: number, seconds: number): number => free + 6 + Math.ceil(seconds / 60) + 1;

test("of 10,000 guesses at the administrator from 200 addresses, 1,000 s long, thirty are looked at; the console lets the administrator in", async () => {
  const tested = await countTested(10_000, (attempt) => ["admin", `127.0.${1 + (attempt % 200)}.1`]);
  assert.ok(tested >= 5 && tested <= mostTested(5, 1_000), `${tested} were looked at`);
  assert.equal(await guess("admin", password, "127.0.0.9"), 429, "the right one tells the attacker no more than a wrong one");
  assert.equal(listAudit(box.database, 1_000).filter(({ action }) => action === "sign-in-failed").length, tested);

  const reset = await run(process.execPath, [cli, "user", "reset", "admin", "--data", box.folder]);
  assert.equal(reset.code, 0, reset.stderr);
  box.passTime(61_000);
  assert.equal(await guess("admin", reset.stdout.trim(), "127.0.0.9"), 200);
});

test("2,000 names from one address are slowed down, and other addresses are not", async () => {
  const tested = await countTested(2_000, (attempt) => [`name${attempt}`, "127.0.0.66"]);
  assert.ok(tested >= 20 && tested <= mostTested(20, 200), `${tested} were looked at`);
  assert.equal(await guess("reviewer", password, "127.0.0.10"), 200);
});

test("an unknown name takes as long as a wrong password, within a tenth", async () => {
  const [known, unknown]: [number[], number[]] = [[], []];
  // the processor's time, one after the other: the clock on the wall tells on a busy machine what the others do
  for (let attempt = 0; attempt < 60; attempt++)
    for (const [name, times] of attempt % 2
      ? ([
          ["engineer", known],
          ["nobody", unknown],
        ] as const)
      : ([
          ["nobody", unknown],
          ["engineer", known],
        ] as const)) {
      box.passTime(61_000);
      const before = process.cpuUsage();
      assert.equal(await guess(name, "wrong password", "127.0.0.11"), 401);
      const { user, system } = process.cpuUsage(before);
      times.push(user + system);
    }
  const middle = (times: number[]): number => times.toSorted((one, other) => one - other)[30]!;
  const ratio = middle(unknown) / middle(known);
  assert.ok(ratio > 0.9 && ratio < 1.1, `known ${middle(known)} µs, unknown ${middle(unknown)} µs`);
});
