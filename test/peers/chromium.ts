import assert from "node:assert/strict";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { temporaryFolder } from "./folder.ts";

const executablePath = "/usr/bin/chromium";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Whatever is not on this machine cannot be found, so that a stray request fails at once instead of waiting for a name server.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

export type Browser = AsyncDisposable & {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Where its profile lies until it closes; each of its processes names it. */
  readonly profile: string;
  /** Console errors, uncaught exceptions and requests to elsewhere, so far, on any page. */
  readonly faults: readonly string[];
  /** Closes the browser, then fails if there were faults. `await using` does the same. */
  readonly close: () => Promise<void>;
};

/**
 * A real browser with a fresh profile, for pages of one origin. A console error, an uncaught exception or a request that leaves the origin
 * fails the test when the browser closes.
 *
 * @param origin for example `http://127.0.0.1:8080`; a relative address given to `page.goto` is resolved against it
 * @param alsoAsks other origins that its pages may send requests to
 * @param expected faults that the test provokes: a refused sign-in makes the browser itself log `status of 401`
 */
export async function openChromium({
  origin,
  alsoAsks = [],
  expected = [],
  viewport = { width: 1280, height: 800 },
}: {
  readonly origin: string;
  readonly alsoAsks?: readonly string[];
  readonly expected?: readonly RegExp[];
  readonly viewport?: { readonly width: number; readonly height: number };
}): Promise<Browser> {
  const own = new URL(origin).origin;
  const hosts = [own, ...alsoAsks].map((each) => new URL(each).host);
  const folder = await temporaryFolder("chromium");
  const faults: string[] = [];
  const note = (fault: string) => {
    if (!expected.some((pattern) => pattern.test(fault))) faults.push(fault);
  };
  const noteAddress = (address: string) => {
    const { protocol, host } = new URL(address);
    const inPage = ["data:", "blob:", "about:"].includes(protocol);
    const ownHost = ["http:", "https:", "ws:", "wss:"].includes(protocol) && hosts.includes(host);
    if (!inPage && !ownHost) note(`request to ${address}`);
  };

  const profile = join(folder.path, "profile");
  let context: BrowserContext;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: flags,
      headless: true,
      baseURL: own,
      viewport,
      locale: "en-GB",
      timeout: 30_000,
      // Crash reports and caches go where the profile goes.
      env: { ...process.env, TCP_NODELAY: "1", HOME: folder.path, XDG_CONFIG_HOME: folder.path, XDG_CACHE_HOME: folder.path },
    });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  context.setDefaultTimeout(15_000);
  context.on("request", (request) => noteAddress(request.url()));
  context.on("console", (message) => {
    if (message.type() === "error") note(`console error: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => note(`uncaught: ${error.error().stack ?? error.error().message}`));
  const watchSockets = (page: Page) => page.on("websocket", (socket) => noteAddress(socket.url()));
  for (const page of context.pages()) watchSockets(page);
  context.on("page", watchSockets);

  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await context.close();
    await folder[Symbol.asyncDispose]();
    assert.deepEqual(faults, [], "the page has faults");
  };
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    profile,
    faults,
    close,
    [Symbol.asyncDispose]: close,
  };
}
