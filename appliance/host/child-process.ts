import { fork } from "node:child_process";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import { confinedFork } from "./confine.ts";

/** What a child says to its parent. */
export type FromChild<Progress, Reply> =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "error"; readonly name: string; readonly code: string; readonly message: string; readonly stack: string | undefined };

export type ChildLimits = {
  /** Longest silence between two messages before the child is taken for hung and killed. */
  readonly stallMs: number;
  /** What its data may take; absent: four fifths of the machine's memory. */
  readonly memoryBytes?: number;
};

/**
 * Gives one request to a child process of its own, without network ({@link confinedFork}), and waits for the reply. A crash, a hang or an
 * out-of-memory kill of the child costs this one request, never the caller. Errors keep their class across the border; a child that ends
 * without an answer is a fault with what it last wrote.
 *
 * @param entry module that calls {@link serveChild}
 */
export function askChild<Request, Progress, Reply>(
  entry: string,
  request: Request,
  { stallMs, signal, onProgress, memoryBytes }: ChildLimits & { signal?: AbortSignal; onProgress?: (progress: Progress) => void },
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  signal?.throwIfAborted();
  const child = fork(entry, { ...confinedFork(memoryBytes), stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" });
  let lastWords = "";
  let outcome: (() => void) | undefined;
  let stall: NodeJS.Timeout | undefined;
  const end = (settle: () => void): void => {
    outcome ??= settle;
    child.kill("SIGKILL"); // it holds nothing that is not safe to drop: files are written beside and renamed
  };
  const alive = (): void => {
    clearTimeout(stall);
    stall = setTimeout(() => end(() => reject(new Error(`child process gave no sign for ${stallMs} ms; killed`))), stallMs);
  };
  const onAbort = (): void => end(() => reject(signal?.reason));
  signal?.addEventListener("abort", onAbort, { once: true });
  alive();
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-2000);
  });
  child.on("message", (message: FromChild<Progress, Reply>) => {
    alive();
    if (message.kind === "progress") onProgress?.(message.progress);
    else end(message.kind === "reply" ? () => resolve(message.reply) : () => reject(errorOf(message)));
  });
  child.on("error", (error) => {
    end(() => reject(error));
    if (child.pid === undefined) outcome?.(); // it never started, and may not tell its end
  });
  child.on("close", (code, killedBy) => {
    clearTimeout(stall);
    signal?.removeEventListener("abort", onAbort);
    if (outcome) outcome();
    else
      reject(
        new Error(
          `child process ended by ${killedBy ?? `exit code ${code}`} without an answer${lastWords && `; last words: ${lastWords.trim()}`}`,
        ),
      );
  });
  child.send(request as object, (error) => {
    // A child that ended before it had read the request says why itself; one that lives on without a channel has to go.
    if (error) child.kill("SIGKILL");
  });
  return promise;
}

/** The child's side: answers requests, one at a time, and ends when the parent does. */
export function serveChild<Request, Progress, Reply>(
  answer: (request: Request, onProgress: (progress: Progress) => void) => Promise<Reply>,
): void {
  const send = (message: FromChild<Progress, Reply>): void => {
    process.send?.(message);
  };
  process.on("disconnect", () => process.exit(1));
  process.on("message", (request: Request) => {
    answer(request, (progress) => send({ kind: "progress", progress })).then(
      (reply) => send({ kind: "reply", reply }),
      (error: unknown) => {
        const { name, stack } = error instanceof Error ? error : { name: "Error", stack: undefined };
        send({ kind: "error", name, code: (error as { code?: string }).code ?? "", message: messageOf(error), stack });
      },
    );
  });
}

/** What was thrown in a child, in its class. */
export function errorOf({ name, code, message, stack }: { name: string; code: string; message: string; stack: string | undefined }): Error {
  const error =
    name === "RefusedError"
      ? new RefusedError(code, message)
      : name === "UnavailableError"
        ? new UnavailableError(code, message)
        : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
