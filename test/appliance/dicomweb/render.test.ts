import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { parseRenderOptions, parseThumbnailOptions, renderFrame } from "../../../appliance/dicomweb/render.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const ct = join(
  import.meta.dirname,
  "../../data/ct-corpus/ge-hispeed-transfer-syntaxes/CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm",
);
const render = async (query: Record<string, string>) =>
  renderFrame(openPart10(await readFile(ct), { whole: true }), 0, parseRenderOptions(query));
const greyOf = (rgb: Uint8Array): Uint8Array => rgb.filter((_, at) => at % 3 === 0);

/** The same by dcmtk: a raw PGM, of which the pixels are the end. */
async function renderedByDcmtk(args: readonly string[]): Promise<{ readonly size: string; readonly grey: Uint8Array }> {
  await using folder = await temporaryFolder("render");
  const file = join(folder.path, "picture.pgm");
  const { code, stderr } = await run("dcmj2pnm", ["--write-raw-pnm", ...args, ct, file]);
  assert.equal(code, 0, stderr);
  const bytes = await readFile(file);
  const [, width, height, depth] = /^P5\s+(?:#[^\n]*\n)?(\d+)\s+(\d+)\s+(\d+)\s/.exec(bytes.toString("latin1"))!;
  assert.equal(depth, "255");
  return { size: `${width} x ${height}`, grey: bytes.subarray(bytes.length - Number(width) * Number(height)) };
}

test("windows and parts of an image show what dcmj2pnm shows", async () => {
  for (const [query, args] of [
    [{ window: "40,400,linear" }, ["--set-window", "40", "400"]],
    [{ window: "-600,1500" }, ["--set-window", "-600", "1500"]],
    [{ window: "40,400,sigmoid" }, ["--set-window", "40", "400", "--sigmoid-function"]],
    [{ window: "300,1" }, ["--set-window", "300", "1"]],
    [{ window: "40,400", viewport: "100,50,200,150,100,50" }, ["--set-window", "40", "400", "--clip-region", "200", "150", "100", "50"]],
  ] as const) {
    const [ours, theirs] = [await render(query), await renderedByDcmtk(args)];
    assert.equal(`${ours.width} x ${ours.height}`, theirs.size);
    const grey = greyOf(ours.rgb);
    const worst = grey.reduce((most, value, at) => Math.max(most, Math.abs(value - theirs.grey[at]!)), 0);
    assert.ok(worst <= 1, `${JSON.stringify(query)}: differs by up to ${worst} of 255`); // dcmtk rounds in a table of the values
  }
});

test("an exact linear window takes its width as it is, half a value apart from the usual one", async () => {
  const [exact, usual] = [await render({ window: "39.5,399,linear-exact" }), await render({ window: "40,400,linear" })];
  assert.deepEqual(exact, usual, "PS3.3 C.11.2.1.3.2: x - c over w, where the usual one has x - (c - 0.5) over w - 1");
});

test("a viewport takes the largest picture that fits, and its part may be turned round", async () => {
  const size = async (viewport: string) => {
    const { width, height } = await render({ viewport });
    return [width, height];
  };
  assert.deepEqual(await size("100,200"), [100, 100]);
  assert.deepEqual(await size("1024,2000"), [1024, 1024]);
  assert.deepEqual(await size("100,100,0,0,512,256"), [100, 50]);
  assert.deepEqual(await size("100,100,256,,,"), [50, 100]);
  const window = "40,400";
  const plain = await render({ window, viewport: "64,64" });
  const turned = await render({ window, viewport: "64,64,0,0,-512,-512" });
  assert.deepEqual(greyOf(turned.rgb), greyOf(plain.rgb).toReversed());
  const usual = await renderFrame(openPart10(await readFile(ct), { whole: true }), "middle", parseThumbnailOptions({}));
  assert.deepEqual([usual.width, usual.height], [128, 128]);
});

test("what can't be drawn is refused", async () => {
  const viewports = [
    "",
    "0,1",
    "5000,5000",
    "64",
    "64,64,-1,0",
    "64,64,0,0,0,1",
    "64,64,0,0,600,1",
    "64,64,512,0",
    "64,64,0,0,1,1,1",
    "a,b",
  ];
  for (const viewport of viewports) await assert.rejects(render({ viewport }), { code: "parameter-invalid" }, viewport);
  for (const window of ["40", "40,0.5", "40,0,sigmoid", "40,400,round", "40,400,linear,1", "1e3,400", ","])
    await assert.rejects(render({ window }), { code: "parameter-invalid" }, window);
});
