import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { type Box, password } from "../appliance/http/box.ts";
import { type Browser, openChromium } from "../peers/chromium.ts";

const ui = join(import.meta.dirname, "../../ui");

/** Builds the pages into a folder that the web server can take them from. */
export async function buildPages(folder: string): Promise<void> {
  const outdir = join(folder, "dist");
  await build({ entryPoints: [join(ui, "main.ts")], bundle: true, format: "esm", splitting: true, target: "es2022", outdir });
  for (const name of ["index.html", "icon.svg"]) await copyFile(join(ui, name), join(folder, name));
}

/** A browser in which somebody has entered name and password. */
export async function openAs(box: Pick<Box, "origin">, name: string, secret = password, path = "/"): Promise<Browser> {
  const browser = await openChromium({ origin: box.origin, expected: [/status of 40[13]/, /status of 422/] });
  try {
    await browser.page.goto(path);
    await browser.page.getByLabel("Name").fill(name);
    await browser.page.getByLabel("Password").fill(secret);
    await browser.page.keyboard.press("Enter");
    await browser.page.getByRole("button", { name: "Sign out", exact: true }).waitFor();
    return browser;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** For looking at: `SCREENSHOTS=folder node --test test/ui/….test.ts`. */
export async function picture(page: Page, name: string): Promise<void> {
  const pictures = process.env.SCREENSHOTS;
  if (pictures === undefined) return;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
  }
}

/** Moves the focus on until it is on what has this name, as somebody without a mouse does. */
export async function tabTo({ page }: Browser, name: string): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const label =
        element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? element.labels?.[0]?.textContent : undefined;
      return (element?.getAttribute("aria-label") ?? label ?? element?.textContent ?? "").trim().replace(/\s+/g, " ");
    });
    if (focused.startsWith(name)) return;
  }
  assert.fail(`the focus does not come to ${name}`);
}

/** What axe-core has against what the page shows just now, in both themes: rule and element, none where it is fine. */
export async function axeFaults(page: Page): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const faults: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      type Axe = { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
    faults.push(...found.map((fault) => `${colorScheme}, ${fault}`));
  }
  return faults;
}
