/**
 * Loaded into the process of each test file (`--import`): kills the process when the file takes longer than all of its tests may. The
 * runner's own limit ends a single test, but leaves a file alone that loops without a pause or that a forgotten peer keeps alive. The
 * kernel ends the peers with it (see peers/process.ts).
 */
import { Worker } from "node:worker_threads";

const limitMs = Number(process.env.SEGBOX_TEST_FILE_LIMIT_MS ?? 600_000);

/** A thread of its own, since the main one may be the one that loops. */
const watch = `
setTimeout(() => {
  require("node:fs").writeSync(2, "this test file did not end within ${limitMs} ms\\n");
  process.kill(process.pid, "SIGKILL");
}, ${limitMs});
`;

// The runner loads this too, and has all the time it needs.
if (process.env.NODE_TEST_CONTEXT !== undefined) new Worker(watch, { eval: true }).unref();
