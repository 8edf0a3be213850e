/**
 * Loaded into the service and its children (`--import`): a child whose request is about the image that POISON names gets hardly any memory
 * beyond what it has (POISON_DOES=memory), or ends as the kernel ends what takes too much (POISON_DOES=kill).
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const marginKilobytes = 2 * 1024;

function die(): void {
  if (process.env.POISON_DOES === "kill") process.kill(process.pid, "SIGKILL");
  const [, kilobytes] = /VmData:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
  execFileSync("prlimit", ["--pid", String(process.pid), `--data=${(Number(kilobytes) + marginKilobytes) * 1024}`]);
}

if (isMainThread && process.send && process.env.POISON) {
  const { on } = process;
  process.on = ((event: string, listener: (request: unknown) => void) =>
    on.call(process, event as "message", (request: unknown) => {
      if (event === "message" && JSON.stringify(request).includes(process.env.POISON!)) die();
      listener(request);
    })) as typeof process.on;
}
