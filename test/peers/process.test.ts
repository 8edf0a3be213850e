import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { eventually } from "./eventually.ts";
import { freePort, isListening } from "./ports.ts";
import { run, start } from "./process.ts";

/** Whether a process of this id is there and not a zombie. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) Z /.test(status);
}

const gone = (pid: number) => eventually(async () => ((await isAlive(pid)) ? undefined : true), 5_000);

test("a program's line is waited for, and the program ends with the test", async () => {
  let pid: number;
  {
    await using child = start("sh", ["-c", "echo ready $$; exec sleep 60"]);
    const [, shell] = await child.waitForLine(/^ready (\d+)$/);
    pid = child.pid;
    assert.equal(Number(shell), pid);
    assert.equal(child.isRunning, true);
  }
  assert.equal(await isAlive(pid), false);
});

test("a program that ignores SIGTERM is killed, and what it forked with it", async () => {
  const child = start("sh", ["-c", "trap '' TERM; sleep 60 & echo forked $!; wait; wait"]);
  const [, forked] = await child.waitForLine(/^forked (\d+)$/);
  assert.equal((await child.stop(200)).signal, "SIGKILL");
  assert.equal(await isAlive(child.pid), false);
  await gone(Number(forked));
});

test("a program that ends before it is ready fails at once, with its last words", async () => {
  await using child = start("sh", ["-c", "echo no such thing >&2; exit 3"]);
  await assert.rejects(child.waitForLine(/ready/), /sh ended with 3\nno such thing/);
  await assert.rejects(child.waitForPort(1), /sh ended with 3/);
});

test("a wait has an end", async () => {
  await using child = start("sleep", ["60"]);
  await assert.rejects(child.waitForLine(/ready/, 100), /sleep did not come to it within 100 ms/);
});

test("a program dies when the process that started it is killed", async () => {
  const source = `import { start } from ${JSON.stringify(new URL("process.ts", import.meta.url).href)}; console.log(start("sleep", ["60"]).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  assert.equal(await isAlive(pid), true);
  parent.kill("SIGKILL");
  await gone(pid);
});

test("a program is run to its end with input, and its exit code is handed on", async () => {
  const finished = await run("sh", ["-c", "cat; echo $TCP_NODELAY >&2; exit 2"], { input: "given" });
  assert.deepEqual(finished, { code: 2, signal: null, stdout: "given", stderr: "1\n" });
});

test("a program that does not end is ended at its limit", async () => {
  await assert.rejects(run("sh", ["-c", "echo begun; sleep 60"], { timeoutMs: 200 }), /did not end within 200 ms\nbegun/);
});

test("a free port is free, and is seen once somebody listens on it", async () => {
  const port = await freePort();
  assert.equal(await isListening(port), false);
  const listen = `require("node:net").createServer().listen(${port}, "127.0.0.1")`;
  await using child = start(process.execPath, ["--eval", listen]);
  await child.waitForPort(port);
  assert.equal(await isListening(port), true);
  assert.notEqual(await freePort(), port);
});
