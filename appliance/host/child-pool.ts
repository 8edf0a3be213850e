import { type ChildProcess, fork } from "node:child_process";
import { errorOf, type FromChild } from "./child-process.ts";
import { confinedFork } from "./confine.ts";

export type ChildPoolOptions = {
  /** Longest time for one request before the child is taken for hung and killed. */
  readonly stallMs: number;
  /** A child that nobody asks anything for so long ends. */
  readonly idleMs: number;
  /** Then it ends, and a new one takes its place: what a library leaks has an end. */
  readonly requestsPerChild: number;
};

/**
 * Children that answer one request after the other, for requests that are shorter than the start of a process. As with askChild a crash or a hang
 * costs the one request. Who asks sees to how many there are at a time; an idle child does not keep this process alive.
 */
export class ChildPool<Request, Reply> {
  readonly #entry: string;
  readonly #options: ChildPoolOptions;
  readonly #idle: { readonly child: ChildProcess; readonly asked: number; readonly timer: NodeJS.Timeout }[] = [];
  #closed = false;

  /** @param entry module that calls serveChild */
  constructor(entry: string, options: ChildPoolOptions) {
    this.#entry = entry;
    this.#options = options;
  }

  async ask(request: Request, signal?: AbortSignal): Promise<Reply> {
    signal?.throwIfAborted();
    const { child, asked } = this.#take();
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const fail = (error: unknown): void => {
      child.kill("SIGKILL"); // what it was doing is not to be trusted any more
      reject(error);
    };
    const onMessage = (message: FromChild<never, Reply>): void => {
      if (message.kind === "reply") resolve(message.reply);
      else if (message.kind === "error") reject(errorOf(message));
    };
    const onEnd = (code: number | null, killedBy: string | null): void =>
      reject(new Error(`child process ended by ${killedBy ?? `exit code ${code}`} without an answer`));
    const onAbort = (): void => fail(signal?.reason);
    const { stallMs, requestsPerChild } = this.#options;
    const stall = setTimeout(() => fail(new Error(`child process gave no answer for ${stallMs} ms; killed`)), stallMs);
    child.on("message", onMessage).on("error", fail).on("exit", onEnd);
    signal?.addEventListener("abort", onAbort, { once: true });
    child.send(request as object, (error) => error && fail(error));
    try {
      return await promise;
    } finally {
      clearTimeout(stall);
      signal?.removeEventListener("abort", onAbort);
      child.off("message", onMessage).off("error", fail).off("exit", onEnd);
      if (child.killed || child.exitCode !== null || this.#closed || asked + 1 >= requestsPerChild) child.kill("SIGKILL");
      else this.#rest(child, asked + 1);
    }
  }

  /** Ends the idle ones; those at work end with their request. */
  close(): void {
    this.#closed = true;
    for (const { child, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      child.kill("SIGKILL");
    }
  }

  #take(): { readonly child: ChildProcess; readonly asked: number } {
    for (let rested = this.#idle.pop(); rested; rested = this.#idle.pop()) {
      clearTimeout(rested.timer);
      const { child, asked } = rested;
      if (child.exitCode !== null || !child.connected) continue;
      child.ref();
      child.channel?.ref();
      return { child, asked };
    }
    const child = fork(this.#entry, { ...confinedFork(), stdio: ["ignore", "ignore", "ignore", "ipc"], serialization: "advanced" });
    child.on("error", () => {}); // who asks hears of it; later nobody needs to
    return { child, asked: 0 };
  }

  #rest(child: ChildProcess, asked: number): void {
    child.unref();
    child.channel?.unref();
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((each) => each.child === child);
      if (at >= 0) this.#idle.splice(at, 1);
      child.kill("SIGKILL");
    }, this.#options.idleMs);
    timer.unref();
    this.#idle.push({ child, asked, timer });
  }
}
