import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Ports below the kernel's ephemeral range (32768 and up), so that no outgoing connection takes one between its choice and its use. */
const firstPort = 20_000;
/** Each process chooses from a stretch of its own, so that test files running side by side do not meet. */
const stretch = 60;
const stretches = 200;

let next = Math.floor(Math.random() * stretch);

/** A TCP port that nobody listens on just now, never the same twice within a process until its stretch is used up. */
export async function freePort(): Promise<number> {
  const base = firstPort + (process.pid % stretches) * stretch;
  for (let tried = 0; tried < stretch; tried++) {
    const port = base + (next++ % stretch);
    if (await canListen(port)) return port;
  }
  throw new Error(`none of the ports ${base} to ${base + stretch - 1} is free`);
}

/** Asks on all addresses, since the peers listen on all of them: dcmtk and Orthanc know no setting for it. */
function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Whether some process listens on the port. Reads the kernel's table instead of connecting: a connection that brings no association
 * would stand in the peer's log, count as its first, or keep a single-process storescp busy.
 */
export async function isListening(port: number): Promise<boolean> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "latin1").catch(() => ""); // a kernel without IPv6 has no second table
    for (const line of text.split("\n")) {
      const [, localAddress = "", , state] = line.trim().split(/\s+/);
      if (state === "0A" && localAddress.endsWith(local)) return true; // 0A: LISTEN
    }
  }
  return false;
}

/** Ends when somebody listens on the port; rejects with the signal's reason. */
export async function waitUntilListening(port: number, signal: AbortSignal): Promise<void> {
  while (!(await isListening(port))) await sleep(20, undefined, { signal });
}
