import assert from "node:assert/strict";
import { copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import type { ImagesInfo } from "../../appliance/api/series.ts";
import { addDelivery, fallBack, getDelivery, noteDelivery } from "../../appliance/store/deliveries.ts";
import { addRefusals } from "../../appliance/store/refused-callers.ts";
import { moveResult } from "../../appliance/store/results.ts";
import { setSeriesState } from "../../appliance/store/series.ts";
import { listNodes, replaceNodesAndRules } from "../../appliance/store/settings.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, password, type Slices, startBox } from "../appliance/http/box.ts";
import { type Browser, openChromium } from "../peers/chromium.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";

const ui = join(import.meta.dirname, "../../ui");
let folder: TemporaryFolder;
let box: Box;
/** A reviewer, signed in. */
let reviewer: Browser;
before(async () => {
  folder = await temporaryFolder("ui");
  const outdir = join(folder.path, "dist");
  await build({ entryPoints: [join(ui, "main.ts")], bundle: true, format: "esm", splitting: true, target: "es2022", outdir });
  for (const name of ["index.html", "icon.svg"]) await copyFile(join(ui, name), join(folder.path, name));
  box = await startBox({ uiFolder: folder.path });
  reviewer = await openSignedIn("/");
});
after(async () => {
  try {
    await reviewer.close(); // fails when a page had a fault
  } finally {
    await box.close();
    await folder[Symbol.asyncDispose]();
  }
});

async function openSignedIn(path: string, role = "reviewer", viewport = { width: 1280, height: 800 }): Promise<Browser> {
  const browser = await openChromium({ origin: box.origin, viewport, expected: [/status of 401/] });
  await browser.page.goto(path);
  await signIn(browser, role);
  await browser.page.getByRole("button", { name: "Sign out" }).waitFor(); // going elsewhere before would cut the sign-in off
  return browser;
}

/** A page in the reviewer's browser. */
async function open(path: string): Promise<Browser> {
  await reviewer.page.goto(path);
  return reviewer;
}

async function signIn({ page }: Browser, name: string, secret = password): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(secret);
  await page.keyboard.press("Enter");
}

const dims = [32, 24, 9] as const;
const supine: ImagesInfo["directions"] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/**
 * Water with a white block, label 1, at the patient's left front, a black block at the right back, and in the middle a spot that is brighter
 * in each slice towards the head. With `isMirrored` the same patient in a grid that runs the other way along all three axes.
 */
function phantom(isMirrored = false): Slices {
  const [ni, nj, nk] = dims;
  const hu = new Int16Array(ni * nj * nk);
  const labels = new Uint8Array(hu.length);
  for (let k = 0; k < nk; k++)
    for (let j = 0; j < nj; j++)
      for (let i = 0; i < ni; i++) {
        const at = isMirrored ? ni - 1 - i + ni * (nj - 1 - j + nj * (nk - 1 - k)) : i + ni * (j + nj * k);
        if (i >= 24 && j < 6) [hu[at], labels[at]] = [1000, 1];
        else if (i < 8 && j >= 18) hu[at] = -1000;
        else if (i >= 14 && i < 18 && j >= 10 && j < 14) hu[at] = -160 + k * 50;
        else hu[at] = 40;
      }
  const directions = isMirrored ? (supine.map((axis) => axis.map((value) => -value)) as unknown as ImagesInfo["directions"]) : supine;
  return { images: { dims, spacingMm: [1, 1, 3], directions }, hu, labels };
}

const structures = [{ value: 1, voxels: 432, volumeMl: 1.296, meanHu: 1000, touchesBorder: true, centreIjk: [28, 3, 2] }] as const;

async function addReadySeries(isMirrored = false): Promise<number> {
  const seriesId = addSeries(box, {}, 9);
  const deliveries = await addResultFiles(box, addPendingResult(box, seriesId), phantom(isMirrored), structures);
  for (const id of deliveries) noteDelivery(box.database, id, { state: "delivered", reason: null, status: 0, at: Date.now() });
  setSeriesState(box.database, seriesId, "complete", null);
  return seriesId;
}

/** Colour of the viewer's canvas at shares of the picture's width and height, once it shows the slice. */
async function colorAt({ page }: Browser, slice: number, across: number, down: number): Promise<number[]> {
  await page.waitForSelector(`slice-view canvas[data-slice="${slice}"]:not(.waiting)`);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  return page.evaluate(
    ([across, down, proportion]) => {
      const canvas = document.querySelector("series-page")?.shadowRoot?.querySelector("slice-view")?.shadowRoot?.querySelector("canvas");
      const { width = 0, height = 0 } = canvas ?? {};
      const pictureWidth = Math.min(width, height * proportion);
      const pictureHeight = pictureWidth / proportion;
      const x = (width - pictureWidth) / 2 + across * pictureWidth;
      const y = (height - pictureHeight) / 2 + down * pictureHeight;
      return [...(canvas?.getContext("2d")?.getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3) ?? [])];
    },
    [across, down, dims[0] / dims[1]] as const,
  );
}

test("a wrong password says so without saying what was wrong; the right one opens the worklist", async () => {
  await using browser = await openChromium({ origin: box.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/");
  assert.equal(await page.getByLabel("Name").evaluate((input) => input === document.activeElement), true);
  assert.equal(await page.getByLabel("Name").getAttribute("autocomplete"), "username");
  assert.equal(await page.getByLabel("Password").getAttribute("autocomplete"), "current-password");
  await signIn(browser, "reviewer", "wrong password");
  assert.equal(await page.getByRole("alert").textContent(), "The name or the password is wrong.");
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Worklist" }).waitFor();
});

test("an empty worklist says what to do next, and a series appears in it, moves on and leads to its page without a reload", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/");
  await signIn(browser, "reviewer");
  await page.getByText("Send a CT series to AE title SEGBOX, port 11112 on 127.0.0.1.").waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));

  const seriesId = addSeries(own, { patientName: "Roe^Richard" }, 14);
  own.live.seriesChanged(seriesId);
  const row = page.getByRole("row", { name: "Roe, Richard" });
  await row.getByText("receiving, 14 images so far").waitFor();

  const resultId = addPendingResult(own, seriesId);
  setSeriesState(own.database, seriesId, "complete", null);
  own.live.seriesChanged(seriesId);
  await row.getByText("waiting").waitFor();
  own.progress.set(resultId, 0.42);
  own.live.publish({ kind: "progress", seriesId, resultId, progress: 0.42 });
  await row.getByText("running 42 %").waitFor();
  assert.equal(await row.getByRole("progressbar").getAttribute("aria-label"), "running 42 %");

  await row.getByRole("link").focus();
  await page.keyboard.press("Enter");
  await page.getByText("Segmentation is running").waitFor();
  assert.equal(new URL(page.url()).pathname, `/series/${seriesId}`);
  assert.equal(await page.title(), `Series ${seriesId} – Segbox`);

  await addResultFiles(own, resultId, phantom(), structures);
  own.live.seriesChanged(seriesId);
  await page.getByRole("heading", { name: "Structures" }).waitFor();
  await page.goBack();
  await row.getByText("delivering").waitFor();
  assert.equal(await page.evaluate(() => "isSamePage" in globalThis), true);
});

test("an image that came again with other content is told in the worklist and on the series' page", async () => {
  addSeries(box, { patientName: "Twice^Sent" }, 9, { twice: true });
  const { page } = await open("/");
  const row = page.getByRole("row", { name: "Twice, Sent" });
  await row.getByText("1 image sent again with other content").waitFor();
  await row.getByRole("link").click();
  await page.getByRole("heading", { name: "1 image came again under the same identifier with other content" }).waitFor();
  await page.getByText("none is overwritten").waitFor();
});

test("the patient's left is drawn on the right and the front at the top, whichever way the grid runs", async () => {
  for (const isMirrored of [false, true]) {
    const seriesId = await addReadySeries(isMirrored);
    const browser = await open(`/series/${seriesId}`);
    await browser.page.getByRole("button", { name: "Hide all" }).click();
    assert.deepEqual(await colorAt(browser, 4, 0.9, 0.1), [255, 255, 255], "white block at the left front");
    assert.deepEqual(await colorAt(browser, 4, 0.1, 0.9), [0, 0, 0], "black block at the right back");
    assert.deepEqual(await colorAt(browser, 4, 0.1, 0.1), [128, 128, 128], "water at the right front");
    const sides = await browser.page.locator("slice-view .side").allTextContents();
    assert.deepEqual(sides, ["R", "L", "A", "P"]);
  }
});

test("keys and wheel change the slice from head to feet, numbers the window", async () => {
  const seriesId = await addReadySeries();
  const browser = await open(`/series/${seriesId}`);
  const { page } = browser;
  const spot = async (slice: number) => (await colorAt(browser, slice, 0.5, 0.5))[0] ?? -1;
  await page.getByRole("application").focus();
  await page.keyboard.press("Home");
  assert.equal(await spot(0), 255); // k = 8: -160 + 400 HU is beyond white
  await page.keyboard.press("ArrowDown");
  assert.ok(Math.abs((await spot(1)) - 224) <= 2); // 190 HU in a window of -160..240
  await page.keyboard.press("End");
  assert.equal(await spot(8), 0);
  await page.keyboard.press("PageUp");
  assert.equal(await spot(0), 255);
  await page.hover("slice-view");
  await page.mouse.wheel(0, 120);
  assert.ok(Math.abs((await spot(1)) - 224) <= 2);
  await page.keyboard.press("2");
  await page.getByText("L -600 W 1500").waitFor();
  assert.equal(await spot(1), 255); // 190 HU is white in the lung window
  assert.equal(await page.getByRole("button", { name: "Lung", exact: true }).getAttribute("aria-pressed"), "true");
});

test("the overlay has its label's colour, can be outlined, hidden and looked up, and the pointer tells HU and label", async () => {
  const seriesId = await addReadySeries();
  const browser = await open(`/series/${seriesId}`);
  const { page } = browser;
  // label 1 is rgb(86, 180, 233), at 40 % over white
  for (const [channel, value] of (await colorAt(browser, 4, 0.9, 0.1)).entries())
    assert.ok(Math.abs(value - [187, 225, 246][channel]!) <= 2, `channel ${channel}: ${value}`);
  await page.getByRole("button", { name: "Outline" }).click();
  assert.deepEqual(await colorAt(browser, 4, 0.9, 0.1), [255, 255, 255]);
  await page.getByRole("button", { name: "Fill", exact: true }).click();
  const toggle = page.getByRole("button", { name: "Show Lungs" });
  assert.equal(await toggle.getAttribute("aria-pressed"), "true");
  await toggle.click();
  assert.equal(await toggle.getAttribute("aria-pressed"), "false");
  assert.deepEqual(await colorAt(browser, 4, 0.9, 0.1), [255, 255, 255]);

  await page.getByRole("button", { name: "Go to the centre of Lungs" }).click();
  await page.waitForSelector('slice-view canvas[data-slice="6"]:not(.waiting)'); // k = 2 of 9 is the seventh from the head
  const { width, height } = (await page.locator("slice-view").boundingBox())!;
  const picture = Math.min(width, (height * dims[0]) / dims[1]);
  const position = { x: (width - picture) / 2 + 0.9 * picture, y: (height - (picture * dims[1]) / dims[0]) / 2 + 0.1 * picture };
  await page.hover("slice-view", { position });
  await page.getByText("1,000 HU").waitFor();
  assert.match((await page.locator("slice-view [data-pick]").textContent()) ?? "", /Lungs/);
});

test("a hostile patient name is text, and can't turn what is written beside it around", async () => {
  const hostile = "\u202E<img src=x onerror=alert(1)>^</bdi><script>alert(2)</script>\u0000";
  const seriesId = addSeries(box, {
    patientName: hostile.replaceAll("=", "-"),
    patientId: "\u202E4711<b>",
    studyDescription: "x".repeat(65_536),
  });
  const { page } = await open("/");
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs++;
    void dialog.dismiss();
  });
  const link = page.locator(`tr[data-series="${seriesId}"] a`);
  assert.equal(await link.textContent(), "\ufffd<img src-x onerror-alert(1)>, </bdi><script>alert(2)</script>\ufffd");
  assert.equal(await page.locator("series-table img, series-table script, series-table b").count(), 0);
  await link.click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await page.locator("series-page img, series-page script, series-page b").count(), 0);
  assert.equal(dialogs, 0);
});

test("a failed result shows its reason and what to do; who may retry can, a reviewer can't", async () => {
  const seriesId = addSeries(box);
  const resultId = addPendingResult(box, seriesId);
  setSeriesState(box.database, seriesId, "complete", null);
  moveResult(box.database, resultId, "failed", { code: "slices-uneven", message: "slice gap 10.0 mm after instance 41, expected 5.0 mm" });
  await open(`/series/${seriesId}`);
  await reviewer.page.getByRole("heading", { name: "The segmentation failed" }).waitFor();
  assert.equal(await reviewer.page.getByText("Slice gap 10.0 mm after instance 41, expected 5.0 mm.").count(), 1);
  assert.equal(await reviewer.page.getByRole("button", { name: "Try again" }).count(), 0);
  await using engineer = await openSignedIn(`/series/${seriesId}`, "engineer");
  await engineer.page.getByRole("button", { name: "Try again" }).click();
  await engineer.page.getByRole("button", { name: "It is tried again now." }).waitFor();
  assert.ok(box.retried.includes(resultId));
});

test("the series page says what a destination did not take and got instead, what looks wrong by which rule, and which rules there are", async () => {
  const seriesId = addSeries(box, { patientName: "Fell^Back" }, 9);
  const [seg] = await addResultFiles(box, addPendingResult(box, seriesId), phantom(), []);
  setSeriesState(box.database, seriesId, "complete", null);
  const resultId = getDelivery(box.database, seg)!.resultId;
  const id = addDelivery(box.database, { resultId, destination: "Archive", choices: ["seg-labelmap", "seg"], state: "waiting" });
  const reason = { code: "class-refused", message: "the peer does not take class 1.2.840.10008.5.1.4.1.1.66.7" };
  fallBack(box.database, getDelivery(box.database, id)!, { output: "seg-labelmap", reason, status: null, at: 5 });
  noteDelivery(box.database, id, { state: "delivered", reason: null, status: 0xb000, comment: "Coerced", at: Date.now() });
  const { page } = await open(`/series/${seriesId}`);
  await page.getByText("Archive does not take SEG (label map): SEG sent instead.").waitFor();
  await page.getByText("SEG (label map): The peer does not take class 1.2.840.10008.5.1.4.1.1.66.7.").waitFor();
  await page.getByText("The destination answered B000: Coerced.").waitFor();
  await page.getByText("Nothing found: ").waitFor();
  await page.getByText("Why", { exact: true }).click();
  await page.getByText("The model found none of its structures in the images.").first().waitFor();
  await page.getByText(/^The \d+ rules that were asked$/).click();
  await page.getByText("Cut off by the images", { exact: true }).waitFor();
});

test("the deliveries page has what did not arrive and why; an engineer pauses a node and sends again, a reviewer reads", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  replaceNodesAndRules(own.database, [{ name: "PACS", aeTitle: "ORTHANC", host: "127.0.0.1", port: 4242 }], []);
  const seriesId = addSeries(own, { patientName: "Roe^Richard" });
  const [seg] = await addResultFiles(own, addPendingResult(own, seriesId), phantom(), structures);
  noteDelivery(own.database, seg, {
    state: "failed",
    reason: { code: "peer-refused", message: "the peer answered C000" },
    status: 0xc000,
    at: 5,
  });
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/");
  await signIn(browser, "engineer");
  await page.getByRole("link", { name: "Deliveries" }).click();
  await page.getByText("The peer answered C000.").waitFor();
  await page.getByRole("button", { name: "Pause PACS" }).click();
  await page.getByText("paused, 1 waiting").waitFor();
  await page.getByText("Nothing is sent to PACS until somebody resumes it.").waitFor();
  await page.getByRole("button", { name: "Send SEG to PACS again" }).click();
  await page.getByText("paused, 2 waiting").waitFor();
  assert.equal(await page.getByText("The peer answered C000.").count(), 0);
  noteDelivery(own.database, seg, { state: "delivered", reason: null, status: 0, at: 6 });
  own.live.seriesChanged(seriesId);
  await page.getByText("paused, 1 waiting").waitFor();
  await page.getByRole("link", { name: "Open the series of Roe, Richard" }).click();
  await page.getByRole("heading", { level: 1, name: "Roe, Richard" }).waitFor();

  await using reading = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  await reading.page.goto("/deliveries");
  await signIn(reading, "reviewer");
  await reading.page.getByText("paused, 1 waiting").waitFor();
  assert.equal(await reading.page.getByRole("button", { name: /PACS/ }).count(), 0);
});

test("who was turned away at the DICOM port is shown with the reason, and an engineer makes a node of it with one click", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  const refusal = { callingAeTitle: "CT9", calledAeTitle: "SEGBOX", address: "10.0.0.9", reason: "calling-ae-not-recognized", detail: "" };
  addRefusals(own.database, [
    { ...refusal, count: 3, at: 1 },
    { ...refusal, callingAeTitle: "CT8", calledAeTitle: "SEGBOCS", reason: "called-ae-not-recognized", count: 1, at: 2 },
  ]);
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/");
  await signIn(browser, "engineer");
  await page.getByRole("link", { name: "Refused callers" }).click();
  await page.getByText("is no node that is known").waitFor();
  await page.getByText("asks for an AE title that is not ours").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Add CT8/ }).count(), 0);
  await page.getByRole("button", { name: "Add CT9 from 10.0.0.9 as a node" }).click();
  await page.getByText("CT9 from 10.0.0.9 may send now.").waitFor();
  assert.deepEqual(listNodes(own.database), [{ name: "CT9", aeTitle: "CT9", host: "10.0.0.9", port: 104 }]);

  await using reading = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  await reading.page.goto("/callers");
  await signIn(reading, "reviewer");
  await reading.page.getByText("asks for an AE title that is not ours").waitFor();
  assert.equal(await reading.page.getByRole("button", { name: /^Add/ }).count(), 0);
});

test("the health page says whether images are taken, how much room there is, and how promptly the box answers", async () => {
  await using browser = await openSignedIn("/", "reviewer");
  const { page } = browser;
  await page.getByRole("link", { name: "Health" }).click();
  await page.getByText("by 12.5 ms or less in 99 of 100 looks of the last minute (half of them: 0.4 ms, most: 31 ms)").waitFor();
  await page.getByText("400.0 GB free of 500.0 GB; below 2.0 GB no images are taken").waitFor();
  await page.getByText("are taken", { exact: true }).waitFor();
});

test("a session that ended elsewhere brings the sign-in page, and signing in goes on to where one was going", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  const seriesId = addSeries(own);
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/");
  await signIn(browser, "reviewer");
  await page.getByText("live", { exact: true }).waitFor();
  own.database.run("delete from session");
  await page.locator(`tr[data-series="${seriesId}"] a`).click();
  await page.getByText("Your session has ended.").waitFor();
  assert.equal(await page.getByText("DOE").count(), 0);
  await signIn(browser, "engineer");
  await page.getByRole("heading", { name: "DOE, JANE" }).waitFor();
});

test("when the box goes away the page says so, and catches up by itself when it is back", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/, /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/] });
  const { page } = browser;
  await page.goto("/");
  await signIn(browser, "reviewer");
  await page.getByText("live", { exact: true }).waitFor();
  await own.stopHttp();
  await page.getByText("reconnecting", { exact: true }).waitFor();
  addSeries(own, { patientName: "Came^Meanwhile" });
  await own.startHttp();
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByRole("row", { name: "Came, Meanwhile" }).waitFor();
});

test("the models lead to their cards, by keys alone: what a model can't do, its structures, and how its INT8 form was judged", async () => {
  const { page } = await open("/models");
  const link = page.getByRole("link", { name: "Organs at risk in the head and neck" });
  await link.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Organs at risk in the head and neck" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/models/headneck-oar");
  await page.getByText("Passed: INT8 is used.").waitFor();
  await page.getByText("Limits against fp32: mean Dice 0.99, worst 0.97").waitFor();
  const judged = page.getByRole("region", { name: "INT8 against fp32, by structure" });
  const card = await readFile(join(ui, "../models/headneck-oar/card.md"), "utf8"); // its table has the same figures
  const figures = /^\| parotid_left \| (\d+ \| [\d.]+ \| [\d.]+ \| [\d.]+ % \| [\d.]+ ml)/m.exec(card)![1]!.split(" | ");
  const shown = (await judged.getByRole("row", { name: "parotid_left" }).textContent())!;
  assert.match(shown, new RegExp(figures.map((figure) => figure.replaceAll(".", "\\.")).join("\\s*")));
  await judged.focus();
  assert.equal(await judged.evaluate((region) => region.matches(":focus")), true);
  await page.getByRole("heading", { name: "What it can't do" }).waitFor();
  await page.getByText("It was not tried here").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Card as PDF" }).click()]);
  assert.equal(download.suggestedFilename(), "segbox-model-headneck-oar.pdf");
  assert.equal(await page.title(), "Model headneck-oar – Segbox");
  if (process.env.SCREENSHOTS)
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(process.env.SCREENSHOTS, `model-${colorScheme}.png`), fullPage: true });
    }
  await page.emulateMedia({ colorScheme: "light" });
});

test("markup in a card is shown as the text that it is", async () => {
  await using own = await startBox({ uiFolder: folder.path });
  const model = join(own.models, "written");
  await cp(join(ui, "../models/headneck-oar"), model, { recursive: true });
  const manifest = await readFile(join(model, "manifest.json"), "utf8");
  await writeFile(join(model, "manifest.json"), JSON.stringify({ ...JSON.parse(manifest), name: "written" }));
  await writeFile(join(model, "card.md"), "<img src=x onerror=alert(1)> [a](javascript:alert(1))");
  await using browser = await openChromium({ origin: own.origin, expected: [/status of 401/] });
  const { page } = browser;
  await page.goto("/models/written");
  await signIn(browser, "reviewer");
  await page.getByText("<img src=x onerror=alert(1)> [a](javascript:alert(1))").waitFor();
});

test("at 360 pixels nothing hangs over the edge, on no page", async () => {
  const seriesId = await addReadySeries();
  await using browser = await openSignedIn("/", "engineer", { width: 360, height: 740 });
  const { page } = browser;
  for (const path of ["/", `/series/${seriesId}`, "/deliveries", "/callers", "/health", "/models", "/models/headneck-oar", "/nowhere"]) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForTimeout(200);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, path);
  }
});

test("the page before the viewer is under 60 kB, compressed", async () => {
  await using browser = await openChromium({ origin: box.origin, expected: [/status of 401/] });
  const sizes: Promise<number>[] = [];
  browser.page.on("requestfinished", (request) => sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize)));
  await browser.page.goto("/");
  await browser.page.getByLabel("Name").waitFor();
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(bytes > 1_000 && bytes < 60_000, `${bytes} bytes`);
});
