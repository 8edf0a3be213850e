import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RefusedError, UnavailableError } from "../../../appliance/base/errors.ts";
import { serveChild } from "../../../appliance/host/child-process.ts";

/** What the tests of child-process.ts ask of a child. */
export type Asked = { readonly what: string; readonly bytes?: Uint8Array };

serveChild<Asked, number | string, unknown>(async ({ what, bytes }, onProgress) => {
  switch (what) {
    case "echo":
      for (const share of [0.25, 0.5, 1]) onProgress(share);
      return { bytes, pid: process.pid };
    case "refused":
      throw new RefusedError("slices-uneven", "slice gap 10.0 mm");
    case "unavailable":
      throw new UnavailableError("disk-full", "no room");
    case "fault":
      throw new TypeError("not a function");
    case "text":
      throw "only a text";
    case "crash":
      process.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n");
      process.kill(process.pid, "SIGABRT");
      return sleep(60_000);
    case "exit":
      process.exit(7);
      return;
    case "silence":
      return sleep(60_000);
    case "slow signs":
      for (let n = 1; n <= 30; n++) {
        await sleep(100);
        onProgress(n / 30);
      }
      return "done";
    case "tell pid":
      onProgress(`pid ${process.pid}`);
      return sleep(60_000);
    case "connect":
      return new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port: Number(Buffer.from(bytes ?? []).toString()) });
        socket.on("connect", () => resolve("connected")).on("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
      });
    case "allocate": {
      const kept: Uint8Array[] = [];
      for (let megabytes = 0; megabytes < 600; megabytes += 20) kept.push(new Uint8Array(20 * 2 ** 20).fill(1));
      return kept.length;
    }
    case "proto":
      return "__proto__" in {};
    default:
      throw new Error(`what is ${what}?`);
  }
});
