import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { addAudit } from "../../appliance/store/audit.ts";
import { type Box, startBox } from "../appliance/http/box.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";
import { axeFaults, buildPages, openAs, picture, tabTo } from "./signed-in.ts";

let folder: TemporaryFolder;
let box: Box;
const away = { at: Date.UTC(2026, 10, 26, 12), message: "10.0.0.8:6514: nothing listens there (ECONNREFUSED)" };
before(async () => {
  folder = await temporaryFolder("ui-audit");
  await buildPages(folder.path);
  box = await startBox({
    uiFolder: folder.path,
    auditServer: { server: "10.0.0.8:6514", isProtected: true, waiting: 12, oldestAt: away.at - 60_000, lastSentAt: null, lastError: away },
  });
  const { database } = box;
  for (let n = 1; n <= 150; n++)
    addAudit(database, {
      at: box.now() - n,
      actor: `ae:CT${n % 3}`,
      action: "series-received",
      object: `series:${n}`,
      detail: { instances: 300, how: "source" },
    });
  addAudit(database, {
    at: box.now(),
    actor: "user:anna",
    action: "setting-changed",
    object: "setting:sign-in",
    detail: { before: { idleMinutes: 60 }, after: { idleMinutes: 30 } },
  });
});
after(async () => {
  await box.close();
  await folder[Symbol.asyncDispose]();
});

test("an engineer looks through the trail by keyboard, checks the chain, sees what waits for the server, and takes an export away", async () => {
  await using engineer = await openAs(box, "engineer");
  const { page } = engineer;
  await tabTo(engineer, "Audit trail");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /anna/ }).getByText("setting changed").waitFor();
  await page.getByText(/12 entries wait for 10\.0\.0\.8:6514/).waitFor();
  await page.getByText(/nothing listens there/).waitFor();
  await page.getByText("Not checked since the start.").waitFor();
  await tabTo(engineer, "Check now");
  await page.keyboard.press("Enter");
  await page.getByText(/^Whole up to entry \d+, checked /).waitFor();
  await picture(page, "audit");
  assert.deepEqual(await axeFaults(page), []);

  const rows = page.locator("tbody tr");
  assert.equal(await rows.count(), 100);
  await tabTo(engineer, "Show older entries");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("audit-page")!.shadowRoot!.querySelectorAll("tbody tr").length > 150);

  await page.getByLabel("Who", { exact: true }).fill("anna");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("audit-page")!.shadowRoot!.querySelectorAll("tbody tr").length === 1);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export as JSON lines" }).click();
  const lines = (await readFile(await (await downloading).path(), "utf8")).trim().split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { actor: string }).actor),
    ["user:anna"],
  );
  await page.locator("select[name=action]").selectOption("sign-in-failed");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("There is no such entry.").waitFor();
});

test("a broken trail is said in plain words, also in a narrow window", async () => {
  await using admin = await openAs(box, "admin", undefined, "/audit");
  const { page } = admin;
  box.database.sql.exec("drop trigger audit_no_update");
  box.database.run("update audit set actor = 'user:eve' where id = 42");
  await page.setViewportSize({ width: 360, height: 800 });
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText(/^Broken: entry 42 is not what was chained/).waitFor();
  const overflows = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  assert.equal(overflows, false);
  await page.getByLabel("Who", { exact: true }).fill("eve");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /^42/ }).getByText("series received").waitFor();
  assert.deepEqual(await axeFaults(page), []);
  await picture(page, "audit-narrow");
});

test("a reviewer is not led there", async () => {
  await using reviewer = await openAs(box, "reviewer");
  assert.equal(await reviewer.page.getByRole("link", { name: "Audit trail" }).count(), 0);
});
