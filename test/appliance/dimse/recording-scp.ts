import { createHash } from "node:crypto";
import { createLog } from "../../../appliance/base/log.ts";
import {
  type IncomingInstance,
  type InstanceSink,
  type Scp,
  type ScpHandlers,
  type ScpOptions,
  startScp,
} from "../../../appliance/dimse/scp.ts";

export type Stored = IncomingInstance & { readonly dataSet: Buffer; readonly sha256: string };

/** An SCP on a free loopback port that keeps what it gets, with every event in the order in which it happened. */
export type RecordingScp = AsyncDisposable & {
  readonly scp: Scp;
  readonly port: number;
  readonly stored: Stored[];
  readonly events: string[];
  readonly log: string[];
};

export async function startRecordingScp(options: Partial<ScpOptions> = {}, handlers: Partial<ScpHandlers> = {}): Promise<RecordingScp> {
  const stored: Stored[] = [];
  const events: string[] = [];
  const log: string[] = [];
  const scp = await startScp(
    { host: "127.0.0.1", port: 0, ...options },
    {
      acceptAssociation: () => ({ accept: true }),
      openInstance: async (instance) => recordingSink(instance, stored, events),
      associationOpened: (peer) => void events.push(`opened ${peer.callingAeTitle}`),
      associationClosed: (peer) => void events.push(`closed ${peer.callingAeTitle}`),
      ...handlers,
    },
    createLog((line) => void log.push(line), Date.now, "debug"),
  );
  return { scp, port: scp.port, stored, events, log, [Symbol.asyncDispose]: () => scp.close(0) };
}

export function recordingSink(instance: IncomingInstance, stored: Stored[], events: string[]): InstanceSink {
  const chunks: Uint8Array[] = [];
  events.push(`open ${instance.sopInstanceUid}`);
  return {
    write: (chunk) => void chunks.push(Uint8Array.from(chunk)),
    async commit() {
      const dataSet = Buffer.concat(chunks);
      stored.push({ ...instance, dataSet, sha256: createHash("sha256").update(dataSet).digest("hex") });
      events.push(`commit ${instance.sopInstanceUid}`);
    },
    async abort() {
      events.push(`abort ${instance.sopInstanceUid}`);
    },
  };
}

/** Waits until a claim holds; fails after 5 s. */
export async function until(claim: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 5000; !claim(); await new Promise((resolve) => setTimeout(resolve, 2)))
    if (Date.now() > deadline) throw new Error(`waited 5 s for ${what}`);
}
