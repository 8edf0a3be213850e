import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { paths } from "../api/paths.ts";
import { RefusedError } from "../base/errors.ts";

export type DemoService = AsyncDisposable & {
  readonly dicomPort: number;
  readonly url: string;
  /** The session cookie. */
  signIn(name: string, password: string): Promise<string>;
  get<T>(path: string, cookie: string): Promise<T>;
};

/** Runs `segbox serve` as a process of its own, as on the box; its log goes to service.log in the data folder. */
export async function startDemoService(folder: string, siteFile: string): Promise<DemoService> {
  const log = join(folder, "service.log");
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "serve", "--data", folder, "--provision", siteFile], {
    stdio: ["ignore", "pipe", openSync(log, "a")],
    detached: true, // Ctrl-C in the terminal reaches the demo, which stops the service itself
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stopWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", stopWithUs);
  const { dicomPort, httpPort } = await listening();
  const url = `http://127.0.0.1:${httpPort}`;
  return {
    dicomPort,
    url,
    async signIn(name, password) {
      const answer = await fetch(url + paths.session, {
        method: "POST",
        headers: { "content-type": "application/json", origin: url },
        body: JSON.stringify({ name, password }),
      });
      const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
      if (!answer.ok || !cookie) throw new RefusedError("sign-in-failed", `the web page answered ${answer.status} to the sign-in`);
      return cookie;
    },
    async get<T>(path: string, cookie: string): Promise<T> {
      const answer = await fetch(url + path, { headers: { cookie } });
      if (!answer.ok) throw new RefusedError("request-failed", `the web page answered ${answer.status} to ${path}`);
      return (await answer.json()) as T;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      process.off("exit", stopWithUs);
    },
  };

  async function listening(): Promise<{ dicomPort: number; httpPort: number }> {
    for await (const line of createInterface({ input: child.stdout! })) {
      const message = JSON.parse(line) as { event: string; dicomPort: number; httpPort: number };
      if (message.event === "listening") return message;
    }
    throw new RefusedError("service-did-not-start", `the service ended before it listened; its log is ${log}`);
  }
}
