import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { SliceCache } from "../../../ui/viewer/slice-cache.ts";

/** A source whose answers the test gives one by one. */
function source() {
  const asked: number[] = [];
  const waiting = new Map<number, { resolve: (bytes: ArrayBuffer) => void; reject: (error: Error) => void; signal: AbortSignal }>();
  const load = (k: number, signal: AbortSignal): Promise<ArrayBuffer> => {
    asked.push(k);
    return new Promise((resolve, reject) => {
      waiting.set(k, { resolve, reject, signal });
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  return {
    asked,
    load,
    isAborted: (k: number) => waiting.get(k)?.signal.aborted,
    answer: async (k: number, bytes = new ArrayBuffer(6)) => {
      waiting.get(k)?.resolve(bytes);
      await turn();
    },
    fail: async (k: number) => {
      waiting.get(k)?.reject(new Error("away"));
      await turn();
    },
  };
}

test("the wanted slice goes first, then those ahead, three at a time", async () => {
  const from = source();
  const cache = new SliceCache(from.load, [2, 1, 100], () => {});
  cache.want(50);
  assert.deepEqual(from.asked, [50, 51, 52]);
  await from.answer(50);
  assert.deepEqual(from.asked, [50, 51, 52, 53]);
  assert.equal(cache.state(50), "here");
  assert.equal(cache.get(50)?.hu.length, 2);
});

test("scrolling back fetches backwards, and a jump gives up what is no longer near", async () => {
  const from = source();
  const cache = new SliceCache(from.load, [2, 1, 100], () => {});
  cache.want(50);
  cache.want(10);
  await turn();
  assert.deepEqual([from.isAborted(50), from.isAborted(51)], [true, true]);
  assert.deepEqual(from.asked.slice(3, 6), [10, 9, 8]);
});

test("a slice that fails says so, and comes when it is asked for again", async () => {
  const from = source();
  let changes = 0;
  const cache = new SliceCache(from.load, [2, 1, 1], () => changes++);
  cache.want(0);
  await from.fail(0);
  assert.deepEqual([cache.state(0), changes], ["failed", 1]);
  cache.want(0);
  assert.equal(from.asked.length, 1);
  cache.retry(0);
  await from.answer(0);
  assert.equal(cache.state(0), "here");
});

test("an answer of the wrong length is a failure, not a picture", async () => {
  const from = source();
  const cache = new SliceCache(from.load, [2, 1, 1], () => {});
  cache.want(0);
  await from.answer(0, new ArrayBuffer(5));
  assert.equal(cache.state(0), "failed");
});

test("it keeps a bounded number of slices: those looked at last", async () => {
  const from = source();
  const pixels = 1024 * 1024; // 3 MiB each: 32 fit into its 96 MiB
  const cache = new SliceCache(from.load, [1024, 1024, 200], () => {});
  for (let k = 0; k < 60; k++) {
    cache.want(k);
    for (let near = k; near < k + 7; near++) await from.answer(near, new ArrayBuffer(pixels * 3));
  }
  const here = Array.from({ length: 200 }, (_, k) => k).filter((k) => cache.state(k) === "here");
  assert.equal(here.length, 32);
  assert.ok(here.includes(59) && !here.includes(0));
});

test("nothing is asked for once it is closed", async () => {
  const from = source();
  const cache = new SliceCache(from.load, [2, 1, 100], () => {});
  cache.want(50);
  cache.close();
  await turn();
  assert.equal(from.asked.length, 3);
  assert.ok(from.isAborted(50));
});
