import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { askChild } from "../../../appliance/host/child-process.ts";
import { eventually } from "../../peers/eventually.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { start } from "../../peers/process.ts";
import type { Asked } from "./child-process-entry.ts";

const entry = join(import.meta.dirname, "child-process-entry.ts");

type Options = { stallMs?: number; signal?: AbortSignal; onProgress?: (progress: number | string) => void };

function ask(what: string, { stallMs = 20_000, ...rest }: Options = {}): Promise<unknown> {
  return askChild<Asked, number | string, unknown>(entry, { what }, { stallMs, ...rest });
}

/** Ends when no process of this id is there any more, zombies not counted. */
function gone(pid: number): Promise<true> {
  return eventually(async () => {
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return status === "" || /\) Z /.test(status) ? true : undefined;
  }, 10_000);
}

test("a child answers with its reply, bytes as bytes, its progress before it, and is gone then", async () => {
  const seen: (number | string)[] = [];
  const bytes = Uint8Array.from([0, 1, 255]);
  const reply = await askChild<Asked, number | string, { bytes: Uint8Array; pid: number }>(
    entry,
    { what: "echo", bytes },
    { stallMs: 20_000, onProgress: (progress) => seen.push(progress) },
  );
  assert.deepEqual(seen, [0.25, 0.5, 1]);
  assert.deepEqual(new Uint8Array(reply.bytes), bytes);
  assert.notEqual(reply.pid, process.pid);
  await gone(reply.pid);
});

test("a refusal keeps its class, code and message across the border", async () => {
  await assert.rejects(ask("refused"), { name: "RefusedError", code: "slices-uneven", message: "slice gap 10.0 mm" });
});

test("what is unavailable in the child is unavailable to the caller", async () => {
  await assert.rejects(ask("unavailable"), { name: "UnavailableError", code: "disk-full", message: "no room" });
});

test("a fault in the child is a fault of ours, with the child's stack", async () => {
  await assert.rejects(ask("fault"), (error: Error) => {
    assert.equal(error.name, "Error");
    assert.equal(error.message, "not a function");
    assert.match(error.stack ?? "", /child-process-entry\.ts/);
    return true;
  });
});

test("what is thrown without being an error still arrives", async () => {
  await assert.rejects(ask("text"), { name: "Error", message: "only a text" });
});

test("a crash names its signal and the child's last words, and costs the caller nothing but the request", async () => {
  await assert.rejects(ask("crash"), { name: "Error", message: /ended by SIGABRT without an answer; last words: .*std::bad_alloc/ });
});

test("an exit without an answer names its code", async () => {
  await assert.rejects(ask("exit"), { message: /ended by exit code 7 without an answer/ });
});

test("a child that can't even start tells why, also when the request is larger than a pipe holds", async () => {
  await using folder = await temporaryFolder();
  const broken = join(folder.path, "broken.ts");
  await writeFile(broken, "import { nothing } from './nowhere.ts';\n");
  const request = { what: "x".repeat(8 * 1024 * 1024) };
  await assert.rejects(askChild(broken, request, { stallMs: 20_000 }), {
    message: /exit code 1 without an answer; last words: [\s\S]*nowhere\.ts/,
  });
});

test("a child without a sign for too long is killed", async () => {
  const from = performance.now();
  await assert.rejects(ask("silence", { stallMs: 800 }), { name: "Error", message: /no sign for 800 ms/ });
  assert.ok(performance.now() - from < 10_000);
});

test("a child that is slow but gives signs is left to work", async () => {
  // Together longer than the limit, each alone far shorter; the start of a Node process counts too.
  assert.equal(await ask("slow signs", { stallMs: 2_500 }), "done");
});

test("an abort kills the child and rejects with the signal's reason", async () => {
  const abort = new AbortController();
  let pid = 0;
  const asked = ask("tell pid", {
    signal: abort.signal,
    onProgress(told) {
      pid = Number(String(told).slice(4));
      abort.abort(new Error("stopping"));
    },
  });
  await assert.rejects(asked, /^Error: stopping$/);
  await gone(pid);
});

test("nothing is started for a caller that is told to stop already", async () => {
  await assert.rejects(async () => ask("echo", { signal: AbortSignal.abort(new Error("stopping")) }), /^Error: stopping$/);
});

test("a child ends when the process that asked it is killed", async () => {
  await using folder = await temporaryFolder();
  const asking = join(folder.path, "asking.ts");
  const source = `
    import { askChild } from ${JSON.stringify(join(import.meta.dirname, "../../../appliance/host/child-process.ts"))};
    await askChild(${JSON.stringify(entry)}, { what: "tell pid" }, { stallMs: 60_000, onProgress: (told) => console.log(told) });`;
  await writeFile(asking, source);
  const parent = start(process.execPath, [asking]);
  const [, pid] = await parent.waitForLine(/^pid (\d+)$/);
  parent.kill("SIGKILL");
  await parent.exited;
  await gone(Number(pid));
});
