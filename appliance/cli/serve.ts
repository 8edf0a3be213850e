import { setDefaultResultOrder } from "node:dns";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { startService } from "../main.ts";
import { type Command, optional, required } from "./command.ts";

/** Longest a stop may take before the process ends regardless; what was cut short resumes at the next start. */
const stopLimitMs = 9_000;

export const serve: Command = {
  words: ["serve"],
  summary: "run the service",
  help: `
segbox serve --data DIR [--provision FILE]

Runs the service on a data folder until SIGTERM or SIGINT. Prints {"event":"listening","dicomPort":N,"httpPort":N,"isHttps":true} on standard output
when it is ready, and a log of JSON lines on standard error. Unfinished work resumes at the next start.

  --data DIR        where received images, results and settings live; made when absent
  --provision FILE  site file (YAML) to apply first; provisioning/example.yaml shows one
`,
  options: { data: { type: "string" }, provision: { type: "string" } },
  positionals: 0,
  async run(args) {
    process.env.UV_THREADPOOL_SIZE ??= "16"; // an association waits for the disk in a thread of its own; read at the pool's first use
    setDefaultResultOrder("ipv4first"); // many PACS listen on IPv4 only while their name resolves to both
    const log = createLog((line) => process.stderr.write(line), systemClock.now);
    const stopping = Promise.withResolvers<string>();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.resolve(signal));
    const service = await startService({ data: required(args, "data"), provision: optional(args, "provision"), clock: systemClock, log });
    const { dicomPort, dicomTlsPort, httpPort, isHttps, redirectPort } = service;
    const ports = {
      dicomPort,
      ...(dicomTlsPort !== null && { dicomTlsPort }),
      httpPort,
      isHttps,
      ...(redirectPort !== null && { redirectPort }),
    };
    process.stdout.write(`${JSON.stringify({ event: "listening", ...ports })}\n`);
    log.info("started", ports);
    const signal = await stopping.promise;
    log.info("stopping", { signal });
    setTimeout(() => {
      log.error("stop-cut-short", { limitMs: stopLimitMs });
      process.exit(1);
    }, stopLimitMs).unref();
    await service.stop();
    log.info("stopped");
    return 0;
  },
};
