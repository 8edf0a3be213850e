import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openChromium } from "./chromium.ts";

/** Serves one page at every address but /missing. */
async function servePage(html: string): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/missing" ? 404 : 200;
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const icon = '<!doctype html><link rel="icon" href="data:,">';

/** Processes whose command line names the profile folder. */
async function processesWith(text: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found: string[] = [];
  for (const id of ids) {
    const commandLine = await readFile(`/proc/${id}/cmdline`, "latin1").catch(() => "");
    if (commandLine.includes(text)) found.push(`${id} ${commandLine.slice(0, 80)}`);
  }
  return found;
}

test("a page is shown, its script runs, and closing leaves no process behind", async () => {
  await using server = await servePage(`${icon}<h1></h1><script>document.querySelector("h1").textContent = 6 * 7</script>`);
  const browser = await openChromium({ origin: server.origin });
  await browser.page.goto("/");
  assert.equal(await browser.page.textContent("h1"), "42");
  assert.notDeepEqual(await processesWith(browser.profile), []);
  await browser.close();
  assert.deepEqual(await processesWith(browser.profile), []);
});

test("a console error, an uncaught exception and a request to elsewhere each fail the test", async () => {
  await using server = await servePage(
    `${icon}<script>console.error("broken"); fetch("http://example.invalid/").catch(() => {}); setTimeout(() => { throw new Error("thrown") })</script>`,
  );
  const browser = await openChromium({ origin: server.origin });
  await browser.page.goto("/");
  await browser.page.waitForTimeout(200);
  await assert.rejects(browser.close(), (error: Error) => {
    for (const fault of [/console error: broken/, /request to http:\/\/example\.invalid\//, /uncaught: Error: thrown/]) {
      assert.match(error.message, fault);
    }
    return true;
  });
});

test("a fault that the test provokes is let pass", async () => {
  await using server = await servePage(`${icon}<script>fetch("/missing")</script>`);
  await using browser = await openChromium({ origin: server.origin, expected: [/status of 404/] });
  await browser.page.goto("/");
  await browser.page.waitForLoadState("networkidle");
});
