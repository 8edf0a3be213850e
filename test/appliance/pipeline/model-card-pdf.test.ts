import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelCard } from "../../../appliance/api/models.ts";
import { readModelCard } from "../../../appliance/pipeline/model-card.ts";
import { writeModelCardPdf } from "../../../appliance/pipeline/model-card-pdf.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const shipped = join(import.meta.dirname, "../../../models");
const places = { folders: [shipped], activationFile: () => null, benchmarkFile: () => null };
const when = { softwareVersion: "0.1.0", createdAt: Date.UTC(2026, 10, 26, 12, 0) };
const headneck = await readModelCard(places, "headneck-oar");

/** Pages of text as poppler reads them. */
async function pagesOf(card: ModelCard): Promise<string[]> {
  await using folder = await temporaryFolder("card");
  const file = join(folder.path, "card.pdf");
  await writeFile(file, await writeModelCardPdf(card, when));
  const { code, stdout, stderr } = await run("pdftotext", ["-layout", file, "-"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout.split("\f").slice(0, -1);
}
/** Without where lines break. */
const words = (text: string): string => text.replaceAll(/\s+/g, " ");

test("the document has what the card says: form, verdict, every structure's figures, files and the makers' words", async () => {
  const pages = await pagesOf(headneck);
  const text = words(pages.join(""));
  for (const [at, page] of pages.entries())
    assert.match(page, new RegExp(`Not for diagnosis\\.[\\s\\S]+Page ${at + 1} of ${pages.length}`));
  assert.match(text, /Model headneck-oar, version [\d.]+ /);
  assert.match(text, /Card as of 2026-11-26 12:00 UTC/);
  assert.ok(text.includes(words(headneck.notFor)), "what it is not for");
  const [used] = headneck.used;
  assert.ok(text.includes(`main: ${used!.precision} on cpu (${used!.file})`));
  const accuracy = headneck.accuracy!;
  assert.ok(text.includes(accuracy.reason));
  const [{ againstFp32, int8Sha256 } = assert.fail("no part")] = accuracy.parts;
  const { meanDice, worstDice, worstLabel, labels } = againstFp32!;
  assert.ok(text.includes(`mean Dice ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel})`));
  assert.ok(labels.length > 0);
  for (const { name, cases, meanDice, worstDice } of labels)
    assert.ok(text.includes(`${name} ${cases} ${meanDice.toFixed(4)} ${worstDice.toFixed(4)} `), name);
  assert.ok(text.includes(int8Sha256) && text.includes(headneck.manifestSha256));
  for (const { file, sha256 } of headneck.forms) assert.ok(text.includes(file) && text.includes(sha256), file);
  for (const { title, code } of headneck.labels) assert.match(text, new RegExp(`${title} \\d ${".*"}${code.value} SCT`));
  // The heading, lists and tables of card.md, without their marks.
  assert.match(text, /What it can't do • /);
  assert.doesNotMatch(text, /\*\*|<!--|\| ---/);
});

test("what was tried and measured on the box stands there, and what was not is said", async () => {
  const trial = {
    part: "main",
    file: "model.onnx",
    precision: "fp32",
    provider: "webgpu",
    outcome: "absent",
    detail: "no adapter",
  } as const;
  const text = words(
    (
      await pagesOf({
        ...headneck,
        accuracy: null,
        notes: ["the model was tried on another machine"],
        activation: { version: "1", machine: "a box", engine: "onnxruntime-node 1", at: when.createdAt, trials: [trial] },
        benchmark: {
          ...{ version: "1", machine: "a box", at: when.createdAt, provider: "cpu", precision: "int8" },
          ...{ patches: 8, patchMs: 1500, jobMs: 14_000, peakMemoryBytes: 2e9 },
        },
      })
    ).join(""),
  );
  assert.match(text, /Note: the model was tried on another machine/);
  assert.match(text, /No INT8 form was judged: the model runs as it was trained, in fp32\./);
  assert.match(text, /model\.onnx fp32 webgpu absent no adapter/);
  assert.match(text, /A whole job took 14\.0 s: 8 patches of 1\.5 s, at most 2000 MB of memory; int8 on cpu, a box/);
  const without = words((await pagesOf({ ...headneck, used: [], card: null })).join(""));
  assert.match(without, /No form of its networks may be run on this machine\./);
  assert.match(without, /was not tried here.*Nobody measured yet/);
  assert.doesNotMatch(without, /What its makers say/);
});

test("whatever text a model brings, every letter is on a page, or the page says that it goes on", async () => {
  const word = "x".repeat(700); // longer than a line
  const row = `| cell | ${"wordy ".repeat(400)}end |`; // higher than a page
  const pages = await pagesOf({ ...headneck, card: `${word}\n\n| a | b |\n| - | - |\n${row}\n${row}\n\nlast words` });
  const text = pages.join("");
  assert.equal(text.match(/\bx{9,}\b/g)!.join("").length, 700);
  assert.equal(text.match(/\bwordy\b/g)!.length, 800);
  assert.match(text, /last words/);
  const cut = words((await pagesOf({ ...headneck, card: "many words ".repeat(10_000) })).join(""));
  assert.match(cut, /The text goes on; card\.md in the model's folder has all of it\./);
});

test("the same card at the same time gives the same bytes", async () => {
  const first = Buffer.from(await writeModelCardPdf(headneck, when));
  assert.ok(first.equals(await writeModelCardPdf(headneck, when)));
});
