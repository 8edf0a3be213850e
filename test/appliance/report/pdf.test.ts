import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Face } from "../../../appliance/report/lettering.ts";
import { drawPanels } from "../../../appliance/report/panels.ts";
import { type ReportRequest, writeReportPdf } from "../../../appliance/report/pdf.ts";
import { reportRequest } from "../../make/report-request.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

/** Pages of text as poppler reads them. */
async function pagesOf(request: ReportRequest): Promise<string[]> {
  await using folder = await temporaryFolder("pdf");
  const file = join(folder.path, "report.pdf");
  writeFileSync(file, await writeReportPdf(request));
  const { code, stdout, stderr } = await run("pdftotext", ["-layout", file, "-"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout.split("\f").slice(0, -1);
}

test("a report says on one page what was found, of what, and that it is not for diagnosis", async () => {
  const request = reportRequest();
  const pages = await pagesOf({ ...request, identity: [{ name: "Patient", value: "Łukasz Müller" }] });
  assert.equal(pages.length, 1);
  const [page = ""] = pages;
  assert.equal(page.match(/AI-generated\. Not for diagnosis\./g)?.length, 2);
  assert.match(page, /^ *Segmentation report$/m);
  assert.match(page, /Patient +Łukasz Müller/);
  const [left, back] = request.structures;
  assert.match(page, new RegExp(`Left ball +${left!.volumeMl.toFixed(1)} ml +40$`, "m"));
  assert.match(page, new RegExp(`Back ball +${back!.volumeMl.toFixed(1)} ml +60 +smaller than usual$`, "m"));
  assert.match(page, /Balle de tête/);
  assert.match(page, /Model +Balls \(balls 1\.2\.3\)/);
  assert.match(page, new RegExp(`Input digest +${"ab".repeat(32)}`));
  assert.match(page, /Segbox 0\.1\.0.*Page 1 of 1/);
});

test("117 structures go over several pages, each with its number, the warning and the table's head, none left out", async () => {
  const request = reportRequest();
  const [first] = request.structures;
  const structures = Array.from({ length: 117 }, (_, at) => ({ ...first!, value: at + 1, title: `Structure ${at + 1}.` }));
  const pages = await pagesOf({ ...request, structures });
  for (const [at, page] of pages.entries()) {
    assert.equal(page.match(/AI-generated\. Not for diagnosis\./g)?.length, 2);
    assert.match(page, new RegExp(`Page ${at + 1} of ${pages.length}`));
    assert.equal(/Structure \d+\./.test(page), /Structure +Volume +Mean HU +Notes/.test(page));
  }
  const found = [...pages.join("").matchAll(/Structure (\d+)\. +≥? ?[\d.]+ ml/g)].map(([, number]) => Number(number));
  assert.deepEqual(
    found,
    structures.map(({ value }) => value),
  );
});

test("a structure that the field of view cuts off and a result without structures are said in words", async () => {
  const request = reportRequest();
  const [first] = request.structures;
  const cut = (
    await pagesOf({ ...request, structures: [{ ...first!, isTruncated: true, flags: ["odd"] }, ...request.structures.slice(1)] })
  )[0]!;
  assert.match(cut, /≥ [\d.]+ ml +40 +cut off by the field of view; odd/);
  const labelMap = { grid: request.labelMap.grid, labels: new Uint8Array(request.labelMap.labels.length) };
  assert.match((await pagesOf({ ...request, labelMap, structures: [] }))[0]!, /No structure found/);
});

test("the picture in the report is the picture, pixel for pixel, and all fonts are inside", async () => {
  await using folder = await temporaryFolder("pdf");
  const request = reportRequest();
  const file = join(folder.path, "report.pdf");
  writeFileSync(file, await writeReportPdf(request));
  assert.equal((await run("pdfimages", [file, join(folder.path, "image")])).code, 0);
  const colors = new Map(request.structures.map(({ value, color }) => [value, color]));
  const { width, height, rgb } = drawPanels({ ...request, colors }, new Face(request.fonts.bold));
  const expected = Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]);
  assert.ok(readFileSync(join(folder.path, "image-000.ppm")).equals(expected));
  const { stdout } = await run("pdffonts", [file]);
  const fonts = stdout.trim().split("\n").slice(2);
  assert.equal(fonts.length, 2);
  for (const font of fonts) assert.match(font, /DejaVuSansCondensed.* yes yes yes /);
});

test("the same request gives the same bytes, another time other ones", async () => {
  const request = reportRequest();
  const first = Buffer.from(await writeReportPdf(request));
  assert.ok(first.equals(await writeReportPdf(request)));
  assert.ok(!first.equals(await writeReportPdf({ ...request, createdAt: request.createdAt + 1000 })));
});
