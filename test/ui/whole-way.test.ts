import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openChromium } from "../peers/chromium.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { exampleCt, isDelivered, password, startBox } from "../scenarios/box.ts";

/** Where pictures of the pages go, when they are wanted (`npm run screenshots`). */
const pictures = process.env.SCREENSHOTS;

test("a person signs in, sees the series come in live, and opens its slices with the structures found", async () => {
  await using folder = await temporaryFolder("page");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({ data: folder.path, pacs: { aeTitle: "PACS", dicomPort: pacs.port }, quietSeconds: 0.5 });
  await using browser = await openChromium({ origin: box.url, expected: [/status of 401/], viewport: { width: 1400, height: 900 } });
  const { page } = browser;
  const picture = async (name: string, fullPage = false): Promise<void> => {
    if (pictures === undefined) return;
    await mkdir(pictures, { recursive: true });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage });
    }
    await page.emulateMedia({ colorScheme: "light" });
  };

  await page.goto("/");
  await page.waitForSelector("#name");
  await picture("sign-in");
  await page.fill("#name", "tester");
  await page.fill("#password", password);
  await page.keyboard.press("Enter");
  await page.getByText("SEGBOX").first().waitFor();

  await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
  await page.locator("series-table tr[data-series]", { hasText: "Example" }).waitFor();
  const series = await box.seriesWhen(isDelivered);
  await page.locator("series-table tr[data-series]", { hasText: "delivered" }).waitFor(); // without a reload
  await picture("worklist");

  await page.locator("series-table tr[data-series] a").first().click();
  await page.locator("structure-table").getByText("Bone").waitFor();
  await page.keyboard.press("End"); // the slice nearest the feet
  const detail = await box.seriesDetail(series.id);
  for (const { title } of detail.resultDetails[0]!.structures!)
    assert.ok(await page.locator("structure-table").getByText(title).first().isVisible(), title);
  const painted = await page.waitForFunction(() => {
    const pixels = paintedPixels();
    return pixels && pixels.colours > 3 ? pixels : false;
    function paintedPixels() {
      const find = (root: Document | ShadowRoot): HTMLCanvasElement | null => {
        for (const element of root.querySelectorAll("*")) {
          if (element instanceof HTMLCanvasElement) return element;
          const inner = element.shadowRoot && find(element.shadowRoot);
          if (inner) return inner;
        }
        return null;
      };
      const canvas = find(document);
      const data = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
      if (!data) return null;
      const hues = new Set<string>();
      for (let at = 0; at < data.length; at += 4) {
        const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
        if (Math.max(r, g, b) - Math.min(r, g, b) > 40) hues.add(`${r >> 6}${g >> 6}${b >> 6}`);
      }
      return { colours: hues.size };
    }
  });
  assert.ok(await painted.jsonValue(), "the overlay is in colour");
  await picture("series", true);
});
