import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntilListening } from "./ports.ts";

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type StartOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> };
export type RunOptions = StartOptions & { readonly input?: string | Uint8Array; readonly timeoutMs?: number };
export type Finished = Exit & { readonly stdout: string; readonly stderr: string };

const keptLines = 5_000;

/** The environment of every peer. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    // dcmtk writes a PDU in two pieces; with Nagle's algorithm each waits for the other side's delayed acknowledgement (40 ms).
    TCP_NODELAY: "1",
    // dcmtk and Orthanc name files and hosts in messages we read; a translated one would not be recognised.
    LC_ALL: "C.UTF-8",
    ...extra,
  };
  delete environment.NODE_TEST_CONTEXT; // a Node child is not a part of this test run
  return environment;
}

/** Becomes the program unless its parent, the first argument, went away before the kernel was told to watch it. */
const becomeUnlessOrphan = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"';

/**
 * Starts a program in a process group of its own, so that what it forks ends with it, and has the kernel kill it when the test process
 * goes away in whatever manner (PR_SET_PDEATHSIG, set by util-linux's setpriv). It keeps the process id through both steps.
 */
function launch(command: string, args: readonly string[], options: StartOptions, stdin: "pipe" | "ignore"): ChildProcess {
  const steps = ["--pdeathsig", "KILL", "--", "sh", "-c", becomeUnlessOrphan, "sh", String(process.pid), command, ...args];
  return spawn("setpriv", steps, { cwd: options.cwd, env: environment(options.env), detached: true, stdio: [stdin, "pipe", "pipe"] });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // ESRCH: all of them are gone already
  }
}

/** A program that keeps running until it is stopped. Its output is kept for the message of a failure. */
export class RunningProcess implements AsyncDisposable {
  readonly command: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<(line: string) => void>();

  constructor(command: string, child: ChildProcess) {
    this.command = command;
    this.#child = child;
    if (child.pid === undefined) throw new Error(`${command} could not be started; is setpriv (util-linux) installed?`);
    this.pid = child.pid;
    this.exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#add(line);
      });
      stream?.on("end", () => rest !== "" && this.#add(rest));
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last lines of both streams, in the order of their arrival. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    for (const watcher of this.#watchers) watcher(line);
  }

  /** Counts the lines that match, all from the program's start on: call it before the program has written `keptLines` lines. */
  counter(pattern: RegExp): () => number {
    let count = this.#lines.filter((line) => pattern.test(line)).length;
    this.#watchers.add((line) => {
      if (pattern.test(line)) count++;
    });
    return () => count;
  }

  /** The first line, past or to come, that matches. Fails when the program ends before, or when the time is up. */
  waitForLine(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpMatchArray> {
    return this.#wait(`a line like ${pattern}`, timeoutMs, (signal) => {
      for (const line of this.#lines) {
        const match = line.match(pattern);
        if (match) return Promise.resolve(match);
      }
      return new Promise((resolve) => {
        const watcher = (line: string) => {
          const match = line.match(pattern);
          if (match) resolve(match);
        };
        this.#watchers.add(watcher);
        signal.addEventListener("abort", () => this.#watchers.delete(watcher), { once: true });
      });
    });
  }

  /** Ends when somebody listens on the port. Fails when the program ends before, or when the time is up. */
  waitForPort(port: number, timeoutMs = 20_000): Promise<void> {
    return this.#wait(`port ${port} to listen`, timeoutMs, (signal) => waitUntilListening(port, signal));
  }

  /** Runs `ready` until it ends, the program ends, or the time is up; aborts what `ready` still has under way. */
  async #wait<T>(what: string, timeoutMs: number, ready: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const fail = (why: string): never => {
      throw new Error(`waited for ${what}: ${this.command} ${why}\n${this.#lines.slice(-60).join("\n")}`);
    };
    const settled = ready(over.signal);
    settled.catch(() => {}); // it rejects when another of the three was first; that one is reported
    try {
      return await Promise.race([
        settled,
        this.exited.then(async ({ code, signal }) => {
          await sleep(50, undefined, { ref: false }); // lets its last words through the pipe
          return fail(`ended with ${signal ?? code}`);
        }),
        sleep(timeoutMs, undefined, { signal: over.signal }).then(() => fail(`did not come to it within ${timeoutMs} ms`)),
      ]);
    } finally {
      over.abort();
    }
  }

  /** Sends a signal to the program alone, as a power cut (SIGKILL) or a service manager (SIGTERM) does. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end (SIGTERM), ends it (SIGKILL) when it has not within the time, and ends whatever it forked. */
  async stop(graceMs = 5_000): Promise<Exit> {
    if (this.isRunning) this.#child.kill("SIGTERM");
    const grace = new AbortController();
    const late = sleep(graceMs, "late" as const, { signal: grace.signal }).catch(() => "late" as const);
    if ((await Promise.race([this.exited, late])) === "late") signalGroup(this.pid, "SIGKILL");
    grace.abort();
    const exit = await this.exited;
    signalGroup(this.pid, "SIGKILL");
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a program that keeps running: `await using peer = start("storescp", ["11112"])`. */
export function start(command: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
  return new RunningProcess(command, launch(command, args, options, "ignore"));
}

/** Runs a program to its end and gives what it wrote. Its exit code is the caller's to judge; only the time limit fails. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, timeoutMs = 60_000 } = options;
  const child = launch(command, args, options, "pipe");
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    output.stdout += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    output.stderr += chunk;
  });
  child.stdin?.on("error", () => {}); // the program may end without reading its input
  child.stdin?.end(input);
  const { pid } = child;
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
  }, timeoutMs);
  try {
    const exit = await new Promise<Exit>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
    if (isLate) throw new Error(`${command} did not end within ${timeoutMs} ms\n${output.stdout}\n${output.stderr}`);
    return { ...exit, ...output };
  } finally {
    clearTimeout(limit);
  }
}
