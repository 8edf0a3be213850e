import assert from "node:assert/strict";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { listAudit } from "../../appliance/store/audit.ts";
import { noteDelivery } from "../../appliance/store/deliveries.ts";
import { getSeries, listSeries, setSeriesState } from "../../appliance/store/series.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, password, startBox } from "../appliance/http/box.ts";
import { type Browser, openChromium } from "../peers/chromium.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";

const ui = join(import.meta.dirname, "../../ui");
const dayMs = 86_400_000;
let folder: TemporaryFolder;
let box: Box;
before(async () => {
  folder = await temporaryFolder("ui-storage");
  const outdir = join(folder.path, "dist");
  await build({ entryPoints: [join(ui, "main.ts")], bundle: true, format: "esm", splitting: true, target: "es2022", outdir });
  for (const name of ["index.html", "icon.svg"]) await copyFile(join(ui, name), join(folder.path, name));
  box = await startBox({ uiFolder: folder.path });
});
after(async () => {
  await box.close();
  await folder[Symbol.asyncDispose]();
});

/** A series with a result whose deliveries ended so; its images are 500 kB each as the database says. */
async function addDelivered(state: "delivered" | "failed", images = 3): Promise<number> {
  const seriesId = addSeries(box, {}, images);
  setSeriesState(box.database, seriesId, "complete", null);
  box.database.run("update instance set size_bytes = 500000 where series_id = ?", seriesId);
  const resultId = addPendingResult(box, seriesId);
  const slices = {
    dims: [2, 2, 1],
    spacingMm: [1, 1, 1],
    directions: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  } as const;
  const deliveries = await addResultFiles(box, resultId, { images: slices, hu: new Int16Array(4), labels: new Uint8Array(4) });
  await mkdir(box.resultFolder(resultId), { recursive: true });
  await writeFile(join(box.resultFolder(resultId), "volume.i16"), Buffer.alloc(2_000_000));
  const reason = state === "failed" ? { code: "peer-refused", message: "refused: out of resources" } : null;
  for (const id of deliveries) noteDelivery(box.database, id, { state, reason, status: null, at: Date.now() });
  return seriesId;
}

async function openAs(name: string, path: string): Promise<Browser> {
  const browser = await openChromium({ origin: box.origin, expected: [/status of 40[134]/, /status of 422/] });
  await browser.page.goto(path);
  await browser.page.getByLabel("Name").fill(name);
  await browser.page.getByLabel("Password").fill(password);
  await browser.page.keyboard.press("Enter");
  await browser.page.getByRole("button", { name: "Sign out", exact: true }).waitFor();
  return browser;
}

/** For looking at: `SCREENSHOTS=folder node --test test/ui/storage.test.ts`. */
async function picture(page: Page, name: string): Promise<void> {
  const pictures = process.env.SCREENSHOTS;
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

test("what goes and what stays is shown; an administrator deletes it, and all else by typing a word", async () => {
  const [due, failed] = [await addDelivered("delivered"), await addDelivered("failed")];
  box.passTime(40 * dayMs);
  await using admin = await openAs("admin", "/storage");
  const { page } = admin;
  await page.getByText("Images go after 30 days, results after 90 days").waitFor();
  const goes = page.getByRole("row", { name: `Series ${due}` });
  await goes.getByText("images only, 3 images").waitFor();
  await goes.getByText("2 MB").waitFor();
  const stays = page.getByRole("row", { name: `Series ${failed}` });
  await stays.getByText(/Delivery \d+ to PACS failed; send it again, or settle it/).waitFor();
  await picture(page, "storage");

  await page.getByRole("button", { name: "Delete now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete now" }).click();
  await page.getByRole("status").getByText("Deleted from 1 series: 2 MB.").waitFor();
  await page.getByText("Nothing is over age.").waitFor();
  assert.equal(getSeries(box.database, due)!.instanceCount, 0);

  await page.getByRole("button", { name: `Settle series ${failed}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Settle" }).click();
  await page.getByText("Nothing that is over age has to stay.").waitFor();

  await page.getByRole("button", { name: "Delete all that may go…" }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: "Delete all that may go" });
  assert.ok(await sure.isDisabled(), "a word has to be typed");
  await picture(page, "storage-purge");
  await page.getByLabel("Type delete to confirm").fill("delete");
  await sure.click();
  await page.getByRole("status").getByText("Deleted from 2 series").waitFor();
  assert.deepEqual(listSeries(box.database, { limit: 10 }), []);
  assert.ok(listAudit(box.database, 50).some(({ actor, action }) => actor === "user:admin" && action === "purge-ordered"));
});

test("an engineer sees the storage and may settle, not delete; a reviewer has no such page", async () => {
  await addDelivered("delivered");
  box.passTime(40 * dayMs);
  await using engineer = await openAs("engineer", "/storage");
  await engineer.page.getByText("images only").waitFor();
  assert.equal(await engineer.page.getByRole("button", { name: /Delete/ }).count(), 0);
  await using reviewer = await openAs("reviewer", "/");
  assert.equal(await reviewer.page.getByRole("link", { name: "Storage" }).count(), 0);
});

test("a study is erased from its series' page after a word was typed; what is not delivered needs a second yes", async () => {
  const seriesId = await addDelivered("failed");
  await using admin = await openAs("admin", `/series/${seriesId}`);
  const { page } = admin;
  await page.getByRole("link", { name: "Export" }).waitFor();
  await page.getByRole("button", { name: "Erase…" }).click();
  await page.getByLabel("Type erase to confirm").fill("erase");
  await picture(page, "study-erase");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Erase the study" }).click();
  await dialog.getByText("Erase it all the same?").waitFor();
  assert.ok(getSeries(box.database, seriesId));
  await dialog.getByRole("button", { name: "Erase the study" }).click();
  await page.getByRole("heading", { name: "Worklist" }).waitFor();
  assert.equal(getSeries(box.database, seriesId), undefined);
});
