import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { RefusedError } from "../base/errors.ts";
import { type Compute, inThisThread } from "../nnunet/compute.ts";
import type { ComputeReply, ComputeRequest } from "./compute-requests.ts";

const entry = join(import.meta.dirname, "compute-thread.ts");

/**
 * Threads that share memory with this one: they resample in parallel, and merge one patch while this thread, blocked by the network, computes
 * the next. Memory that can't be shared is worked on here.
 */
export function startThreads(count: number): Compute & AsyncDisposable {
  const threads = Array.from({ length: count }, () => new ComputeThread());
  /** Slices dealt to all threads, in as many pieces. */
  const deal = async (slices: number, request: (kFrom: number, kTo: number) => ComputeRequest): Promise<void> => {
    const bounds = threads.map((_, n) => Math.round((slices * n) / count));
    await Promise.all(threads.map((thread, n) => thread.ask(request(bounds[n]!, bounds[n + 1] ?? slices))));
  };
  return {
    async zoomCt(source, dims, order) {
      if (!isShared(source.data)) return inThisThread.zoomCt(source, dims, order);
      const result = new Int16Array(new SharedArrayBuffer(2 * dims[0] * dims[1] * dims[2]));
      await deal(dims[2], (kFrom, kTo) => ({ kind: "zoom-ct", source, dims, order, result, kFrom, kTo }));
      return result;
    },
    async zoomNearest(source, target) {
      if (!isShared(source.data) || !isShared(target.data)) return inThisThread.zoomNearest(source, target);
      await deal(target.dims[2], (kFrom, kTo) => ({ kind: "zoom-nearest", source, target, kFrom, kTo }));
    },
    labels: (voxels) => new Uint8Array(new SharedArrayBuffer(voxels)),
    async merge(job) {
      const thread = new ComputeThread(); // its own, so that a slab's memory goes with it
      await thread.ask({ kind: "merge", job });
      return {
        add: (output, start, mirror) => thread.ask({ kind: "add", output, start, mirror }),
        end: () => thread.ask({ kind: "end" }),
        close: () => thread.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

const isShared = ({ buffer }: { readonly buffer: ArrayBufferLike }): boolean => buffer instanceof SharedArrayBuffer;

/** One thread; requests are answered in their order. */
class ComputeThread {
  readonly #worker = new Worker(entry);
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor() {
    this.#worker.on("message", (reply: ComputeReply) => {
      const asked = this.#waiting.shift();
      if (!asked) return;
      if (reply === null) asked.resolve();
      else asked.reject(errorOf(reply));
    });
    this.#worker.on("error", (error: Error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("a computing thread ended")));
    this.#worker.unref();
  }

  ask(request: ComputeRequest): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    }).finally(() => {
      if (this.#waiting.length === 0) this.#worker.unref();
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function errorOf({ message, code, stack }: NonNullable<ComputeReply>): Error {
  const error = code === null ? new Error(message) : new RefusedError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
