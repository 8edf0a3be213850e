/**
 * Loaded into the service and its children (`--import`): kills with SIGKILL when the step that KILL_AT names is reached for the n-th time. The
 * product has no such places of its own: what is watched are calls to the file system, the network, the channel to a child, and SQLite.
 */
import fs, { appendFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";
import { basename } from "node:path";
import { isMainThread } from "node:worker_threads";
import type { KillPlan } from "./kill-points.ts";

type Any = (...args: unknown[]) => unknown;

const plan = JSON.parse(process.env.KILL_AT ?? "null") as
  | (KillPlan & {
      /** Counts how often the step was reached; beside it a file `.hit` tells of the kill. */ readonly marker: string;
      readonly pacsPort: number;
    })
  | null;
const isService = process.argv.includes("serve");
const isChild = process.send !== undefined;

/** Of the steps of one name the n-th kills, in whichever process it happens: the marker grows by a byte for each. */
function reached(point: string): void {
  if (point !== plan!.point) return;
  appendFileSync(plan!.marker, ".");
  if (statSync(plan!.marker).size !== plan!.nth) return;
  writeFileSync(`${plan!.marker}.hit`, point);
  if (plan!.victim === "all") process.kill(0, "SIGKILL");
  else process.kill(plan!.victim === "service" && isChild ? process.ppid : process.pid, "SIGKILL");
}

/** What a file is in the story of a series; a part is what it will be. */
function partOf(path: string): string {
  if (path.includes("/objects/incoming")) return "image";
  if (/\/objects\/[0-9a-f]{2}$/.test(path)) return "image's folder";
  if (path.endsWith("-wal")) return "log";
  if (path.includes("/results/")) return basename(path).replace(/\.[0-9a-f-]{36}\.part$/, "");
  return "other";
}

const pathOf = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`);

/** Around a call with a callback at its end. */
function around(module: Record<string, unknown>, name: string, partOfArgs: (args: unknown[]) => string, what: string): void {
  const before = module[name] as Any;
  module[name] = (...args: unknown[]): unknown => {
    const part = partOfArgs(args);
    const done = args.at(-1) as Any;
    reached(`before ${what} of ${part}`);
    return before(...args.slice(0, -1), (...answer: unknown[]) => {
      reached(`after ${what} of ${part}`);
      done(...answer);
    });
  };
}

function watchFiles(): void {
  const callbacks = fs as unknown as Record<string, unknown>;
  for (const name of ["fdatasync", "fsync"]) around(callbacks, name, ([fd]) => partOf(pathOf(fd as number)), "sync");
  around(callbacks, "rename", ([from]) => partOf(from as string), "rename");
  const promises = fs.promises as unknown as Record<string, Any>;
  const { open, rename } = promises as { open: Any; rename: Any };
  promises.open = async (...args) => {
    const handle = (await open(...args)) as Record<string, Any>;
    const part = partOf(String(args[0]));
    for (const name of ["datasync", "sync"]) {
      const before = handle[name]!.bind(handle);
      handle[name] = async () => {
        reached(`before sync of ${part}`);
        await before();
        reached(`after sync of ${part}`);
      };
    }
    return handle;
  };
  promises.rename = async (...args) => {
    const part = partOf(String(args[0]));
    reached(`before rename of ${part}`);
    await rename(...args);
    reached(`after rename of ${part}`);
  };
  syncBuiltinESMExports();
}

/** Transactions are named by the job whose end they note, or by the image that they bring. */
async function watchDatabase(): Promise<void> {
  const { Database } = await import("../../appliance/store/database.ts");
  const { transaction, run, get } = Database.prototype;
  const kinds = new Map<number, string>();
  let depth = 0;
  let name = "other";
  Database.prototype.transaction = function <T>(body: () => T): T {
    if (depth > 0) return transaction.call(this, body) as T;
    name = "other";
    depth++;
    try {
      const answer = transaction.call(this, () => {
        const inner = body();
        reached(`before commit of ${name}`);
        return inner;
      }) as T;
      reached(`after commit of ${name}`);
      return answer;
    } finally {
      depth--;
    }
  };
  Database.prototype.run = function (text, ...values) {
    if (text.startsWith("insert into instance")) name = "image";
    if (text.startsWith("delete from job")) name = kinds.get(values[0] as number) ?? "other";
    const isSending = text.startsWith("update delivery set unanswered") && values[0] !== null;
    const answer = run.call(this, text, ...values);
    if (isSending) reached("before C-STORE");
    return answer;
  };
  Database.prototype.get = function <Row>(text: string, ...values: unknown[]): Row | undefined {
    const row = get.call(this, text, ...values) as { id: number; kind: string } | undefined;
    if (row && text.startsWith("update job set state = 'running'")) {
      kinds.set(row.id, row.kind);
      reached(`after claim of ${row.kind}`);
    }
    return row as Row | undefined;
  };
}

/** P-DATA-TF to the PACS, and its answers (PS3.8 9.3.5: PDU type 04H). */
function watchDeliveries(): void {
  const isData = (bytes: unknown): boolean => bytes instanceof Uint8Array && bytes[0] === 4;
  const { write, push } = Socket.prototype;
  Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
    const answer = write.apply(this, args);
    if (this.remotePort === plan!.pacsPort) reached("during C-STORE");
    return answer;
  } as typeof write;
  Socket.prototype.push = function (this: Socket, ...args: Parameters<typeof push>) {
    if (this.remotePort === plan!.pacsPort && isData(args[0])) reached("after C-STORE");
    return push.apply(this, args);
  };
}

/** What a child is asked and what it answers. */
function watchChild(): void {
  let kind = "";
  const { on } = process;
  process.on = ((event: string, listener: Any) =>
    on.call(process, event as "message", (...args: unknown[]) => {
      if (event === "message") {
        ({ kind } = args[0] as { kind: string });
        reached(`before work on ${kind}`);
      }
      listener(...args);
    })) as typeof process.on;
  const send = process.send!;
  process.send = ((message: { kind: string }) => {
    if (message.kind === "progress") reached(`during work on ${kind}`);
    else reached(`after work on ${kind}`);
    return (send as (message: unknown) => boolean).call(process, message);
  }) as typeof send;
}

if (plan && isMainThread && (isService || isChild)) {
  watchFiles();
  if (isChild) watchChild();
  else {
    watchDeliveries();
    await watchDatabase();
  }
}
