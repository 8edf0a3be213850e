import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isCrowded, openSession } from "../../../appliance/inference/session.ts";

const output = { channels: 3, layout: "ncdhw", type: "float32" } as const;
const options = { threads: 1, inputName: "input", outputName: "logits", output };
const network = (name: string): string => new URL(`../../data/onnx/${name}.onnx`, import.meta.url).pathname;
const folder = await mkdtemp(join(tmpdir(), "session-"));
after(() => rm(folder, { recursive: true }));

test("a network answers a patch with its logits, classes first, whatever the patch's size", async () => {
  const session = await openSession(network("threshold"), options);
  assert.equal(session.provider, "cpu");
  assert.deepEqual([...(await session.infer(Float32Array.of(0, 1.5, 2, 5), [1, 2, 2]))], [0, 0, 0, 0, -1, 0.5, 1, 4, -4, -1, 0, 6]);
  const larger = await session.infer(new Float32Array(60).fill(3), [3, 4, 5]);
  assert.equal(larger.length, 180);
  assert.deepEqual([larger[0], larger[60], larger[179]], [0, 2, 2]);
  await session.close();
});

test("threads that wait in a loop or do not give the same answer; they do not where the machine is crowded", async () => {
  const patch = Float32Array.from({ length: 32 ** 3 }, (_, at) => (at % 11) - 5);
  const answers = [];
  for (const spins of [true, false]) {
    const session = await openSession(network("threshold"), { ...options, spins });
    answers.push(await session.infer(patch, [32, 32, 32]));
    await session.close();
  }
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual([isCrowded(3.9, 2), isCrowded(4, 2)], [false, true]); // a job on two cores: two threads that compute, one that merges
});

test("an answer stays as it was when the patch is reused, until the answer after next", async () => {
  const session = await openSession(network("threshold"), options);
  const patch = Float32Array.of(5);
  const first = await session.infer(patch, [1, 1, 1]);
  patch[0] = 0;
  await session.infer(patch, [1, 1, 1]);
  assert.deepEqual([...first], [0, 4, 6]);
  assert.equal(await session.infer(patch, [1, 1, 1]), first);
  assert.ok(first.buffer instanceof SharedArrayBuffer);
  await session.close();
});

test("an output of another size than the patch is refused", async () => {
  const session = await openSession(network("shrinking"), options);
  await assert.rejects(session.infer(new Float32Array(64), [4, 4, 4]), {
    code: "model-output-unexpected",
    message: /expected logits float32 \[1, 3, 4, 4, 4\], found float32 \[1, 3, 2, 2, 2\]/,
  });
  await session.close();
});

test("a patch that the network can't take is refused with the runtime's reason", async () => {
  const session = await openSession(network("fixed-size"), options);
  assert.equal((await session.infer(new Float32Array(64), [4, 4, 4])).length, 192);
  await assert.rejects(session.infer(new Float32Array(125), [5, 5, 5]), {
    code: "model-fails",
    message: /patch of 5 x 5 x 5.*[Gg]ot: 5 [Ee]xpected: 4/s,
  });
  await session.close();
});

test("input and output go by the manifest's names; others are refused with those that are there", async () => {
  await assert.rejects(openSession(network("threshold"), { ...options, inputName: "image" }), {
    code: "model-unreadable",
    message: /expected input image, found input/,
  });
  await assert.rejects(openSession(network("threshold"), { ...options, outputName: "probabilities" }), {
    code: "model-unreadable",
    message: /expected output probabilities, found logits/,
  });
});

test("a file that is no network, a truncated one and a missing one are refused", async () => {
  const text = join(folder, "text.onnx");
  await writeFile(text, "this is not a network");
  await assert.rejects(openSession(text, options), { code: "model-unreadable", message: /text\.onnx can't be loaded/ });
  const short = join(folder, "short.onnx");
  await writeFile(short, await readFile(network("threshold")));
  await truncate(short, 120);
  await assert.rejects(openSession(short, options), { code: "model-unreadable" });
  await assert.rejects(openSession(join(folder, "absent.onnx"), options), { code: "model-missing" });
  await assert.rejects(openSession(folder, options), { code: "model-unreadable" });
});
