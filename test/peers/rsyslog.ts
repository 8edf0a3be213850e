import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Authority, Certified } from "../make/certificates.ts";
import { temporaryFolder } from "./folder.ts";
import { freePort } from "./ports.ts";
import { type RunningProcess, start } from "./process.ts";

export type Rsyslog = AsyncDisposable & {
  readonly port: number;
  /** What it has written: a message a line, as it came over the wire. */
  readonly file: string;
  readonly lines: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
  /** Again, on the same port, with the same file. */
  readonly start: () => Promise<void>;
};

/** Who the server is, and whether it wants its clients' certificates of an authority. */
export type RsyslogTls = { readonly own: Certified; readonly authority: Authority; readonly asksClients?: boolean };

/** rsyslog on loopback over TLS (its gtls driver), or over plain TCP. */
export async function startRsyslog(tls: RsyslogTls | null): Promise<Rsyslog> {
  const folder = await temporaryFolder("rsyslog");
  const port = await freePort();
  const file = join(folder.path, "messages");
  const quoted = JSON.stringify;
  const driver = tls
    ? ` streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="${tls.asksClients ? "x509/certvalid" : "anon"}"`
    : "";
  const files = tls
    ? ` defaultNetstreamDriverCAFile=${quoted(tls.authority.certificate)} defaultNetstreamDriverCertFile=${quoted(tls.own.certificate)} defaultNetstreamDriverKeyFile=${quoted(tls.own.key)}`
    : "";
  const configuration = join(folder.path, "rsyslog.conf");
  await writeFile(
    configuration,
    `global(workDirectory=${quoted(folder.path)} maxMessageSize="64k"${files})
module(load="imtcp"${driver})
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file=${quoted(file)} template="raw")
`,
  );
  let process: RunningProcess;
  const run = async (): Promise<void> => {
    process = start("/usr/sbin/rsyslogd", ["-n", "-f", configuration, "-i", join(folder.path, "pid")]);
    await process.waitForPort(port);
  };
  const stop = async (): Promise<void> => {
    await process.stop();
  };
  await run();
  return {
    port,
    file,
    lines: async () => (existsSync(file) ? (await readFile(file, "utf8")).split("\n").filter((line) => line !== "") : []),
    stop,
    start: run,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
