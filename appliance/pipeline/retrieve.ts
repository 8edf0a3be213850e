import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { UnavailableError } from "../base/errors.ts";
import { ChildPool } from "../host/child-pool.ts";
import type { RetrieveReply, RetrieveRequest } from "./retrieve-requests.ts";

const entry = join(import.meta.dirname, "retrieve-child.ts");
/** A viewer asks for hundreds of frames, each quicker than a process starts. */
const pool = { stallMs: 300_000, idleMs: 30_000, requestsPerChild: 500 };
/** Each holds an object in memory. */
const mostAtOnce = 2;
const mostWaiting = 64;

type WithoutFile<T> = T extends unknown ? Omit<T, "outFile"> : never;
export type RetrieveQuestion = WithoutFile<RetrieveRequest>;

/** What a child has made: pieces one behind the other in a file that has no name any more. Who gets it closes it. */
export type Retrieved = { readonly file: FileHandle; readonly sizes: readonly number[] };

/** Reads objects in children, a few at a time: pixels and sequences are no matter for the process that receives. */
export class Retriever {
  readonly #folder: string;
  readonly #stopping = new AbortController();
  readonly #children = new ChildPool<RetrieveRequest, RetrieveReply>(entry, pool);
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param folder for files in passing; emptied here */
  constructor(folder: string) {
    this.#folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  async ask(request: RetrieveQuestion, signal?: AbortSignal): Promise<Retrieved> {
    await this.#turn();
    const outFile = join(this.#folder, randomUUID());
    try {
      const either = signal ? AbortSignal.any([signal, this.#stopping.signal]) : this.#stopping.signal;
      const { sizes } = await this.#children.ask({ ...request, outFile } as RetrieveRequest, either);
      return { file: await open(outFile, "r"), sizes };
    } finally {
      await rm(outFile, { force: true });
      const next = this.#waiting.shift();
      if (next)
        next(); // the place goes on to it
      else this.#running -= 1;
    }
  }

  /** Ends what runs. */
  stop(): void {
    this.#stopping.abort(new UnavailableError("stopping", "the service ends"));
    this.#children.close();
  }

  async #turn(): Promise<void> {
    if (this.#running < mostAtOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= mostWaiting) throw new UnavailableError("busy", "too many requests read images just now; try again");
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
