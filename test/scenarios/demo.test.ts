import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli } from "./box.ts";

test("the demo goes the whole way, says what it found and what it took, and ends with 0", async () => {
  await using folder = await temporaryFolder("demo");
  const data = join(folder.path, "data");
  const { code, stdout, stderr } = await run(process.execPath, [cli, "demo", "--exit", "--data", data], { timeoutMs: 250_000 });
  assert.equal(code, 0, stderr + stdout);
  assert.match(stdout, /^Sent 20 images by C-STORE/m);
  assert.match(stdout, /^Inference: \d+ %$/m);
  assert.match(stdout, /^Bone \*? +\d+\.\d +\d+$/m);
  assert.match(stdout, /^Job: [\d.]+ s wall time, \d+ patches .* peak memory \d+ MB$/m);
  assert.match(stdout, /^Web page: http:\/\/127\.0\.0\.1:\d+ \(name demo, password \S{16};/m);
  assert.equal((await readdir(join(data, "pacs"))).length, 2);
});

test("the demo refuses a folder that is not empty, and input that holds no DICOM", async () => {
  await using folder = await temporaryFolder("demo-refused");
  const used = await run(process.execPath, [cli, "demo", "--exit", "--data", import.meta.dirname]);
  assert.deepEqual([used.code, used.stderr.split("\n").length], [1, 2], used.stderr);
  const empty = await run(process.execPath, [cli, "demo", "--exit", "--input", folder.path, "--data", join(folder.path, "new")]);
  assert.equal(empty.code, 1);
  assert.match(empty.stderr, /^segbox: no DICOM file of a CT in /m);
});
