import assert from "node:assert/strict";
import { test } from "node:test";
import { Face } from "../../../appliance/report/lettering.ts";
import { drawPanels } from "../../../appliance/report/panels.ts";
import type { Color, Picture } from "../../../appliance/report/picture.ts";
import type { Grid } from "../../../appliance/volume/grid.ts";
import { allFlips, allOrders, storedOtherwise } from "../../make/phantom.ts";
import { reportFonts } from "../../make/report-fonts.ts";
import { bodyGrid, colors, reportRequest } from "../../make/report-request.ts";

const face = new Face(reportFonts.bold);
const byLabel = new Map<number, Color>(colors.map((color, at) => [at + 1, color]));
/** Labels as they are, so that their pixels can be told by colour. */
const opaque = { opacity: 1, edgeOpacity: 1 };

function panelsOf(grid: Grid): Picture {
  const { volume, labelMap } = reportRequest(grid);
  return drawPanels({ volume, labelMap, colors: byLabel, overlay: opaque }, face);
}

/** Where a colour lies in a part of the picture: its middle, as a share of width and height. */
function middleOf({ width, rgb }: Picture, color: Color, part: { x: number; y: number; width: number; height: number }) {
  let [count, xSum, ySum] = [0, 0, 0];
  for (let y = part.y; y < part.y + part.height; y++)
    for (let x = part.x; x < part.x + part.width; x++) {
      const at = 3 * (y * width + x);
      if (color.some((value, channel) => rgb[at + channel] !== value)) continue;
      count++;
      xSum += x - part.x;
      ySum += y - part.y;
    }
  return count === 0 ? null : { x: xSum / count / part.width, y: ySum / count / part.height };
}

test("the patient's left is on the right of the picture, back at the bottom and head at the top, in all eight flips of the storage", () => {
  for (const flips of allFlips) {
    const picture = panelsOf(storedOtherwise(bodyGrid, [0, 1, 2], flips));
    const half = picture.width / 2;
    const axial = { x: 0, y: 0, width: half, height: picture.height };
    const coronal = { x: half, y: 0, width: half / 2, height: picture.height };
    const sagittal = { x: half + half / 2, y: 0, width: half / 2, height: picture.height };
    const name = `flips ${flips.map(Number).join("")}`;
    const [left, back, head] = colors;
    // Panels side by side: a ball on the left of the patient lies right of the middle of its own panel, a quarter of the width.
    const panel = { x: 0, y: 0, width: picture.width / 4, height: picture.height / 2 };
    const panels = [0, 1, 2, 3].map((at) => ({ ...panel, x: (at % 2) * panel.width, y: Math.floor(at / 2) * panel.height }));
    const inAxial = panels.map((each) => middleOf(picture, left, each)).find((middle) => middle !== null);
    assert.ok(inAxial && inAxial.x > 0.6, `${name}: left ball in axial at ${JSON.stringify(inAxial)}`);
    const behind = panels.map((each) => middleOf(picture, back, each)).find((middle) => middle !== null);
    assert.ok(behind && behind.y > 0.6, `${name}: back ball in axial at ${JSON.stringify(behind)}`);
    const inCoronal = middleOf(picture, head, coronal);
    assert.ok(inCoronal && inCoronal.y < 0.4, `${name}: head ball in coronal at ${JSON.stringify(inCoronal)}`);
    const inSagittal = middleOf(picture, head, sagittal);
    assert.ok(inSagittal && inSagittal.y < 0.4, `${name}: head ball in sagittal at ${JSON.stringify(inSagittal)}`);
    assert.notEqual(middleOf(picture, back, axial), null);
  }
});

test("the picture is the same whichever way the volume is stored", () => {
  const expected = panelsOf(bodyGrid);
  for (const order of allOrders)
    for (const flips of [allFlips[0]!, allFlips[5]!, allFlips[7]!]) {
      const found = panelsOf(storedOtherwise(bodyGrid, order, flips));
      assert.deepEqual([found.width, found.height], [expected.width, expected.height]);
      assert.ok(Buffer.from(found.rgb).equals(expected.rgb), `axes ${order.join("")}, flips ${flips.map(Number).join("")}`);
    }
});

test("a label that has no colour is refused, and so is a label map on another grid", () => {
  const { volume, labelMap } = reportRequest();
  const lacking = new Map([...byLabel].slice(1));
  assert.throws(() => drawPanels({ volume, labelMap, colors: lacking }, face), { code: "label-unknown", message: /found 1$/ });
  const other = { grid: { ...labelMap.grid, dims: [40, 60, 80] as const }, labels: labelMap.labels };
  assert.throws(() => drawPanels({ volume, labelMap: other, colors: byLabel }, face), { code: "grid-differs" });
});

test("where nothing is labelled the middle of the volume is shown, without colour", () => {
  const { volume, labelMap } = reportRequest();
  const empty = { grid: labelMap.grid, labels: new Uint8Array(labelMap.labels.length) };
  const { rgb } = drawPanels({ volume, labelMap: empty, colors: new Map() }, face);
  for (let at = 0; at < rgb.length; at += 3) assert.ok(rgb[at] === rgb[at + 1] && rgb[at] === rgb[at + 2], `pixel ${at / 3}`);
});
