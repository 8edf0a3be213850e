import assert from "node:assert/strict";
import { test } from "node:test";
import { drawSheet, type SheetRequest, volumeText } from "../../../appliance/report/sheet.ts";
import { reportRequest } from "../../make/report-request.ts";

const sheetRequest = (): SheetRequest => ({ ...reportRequest(), model: "balls 1.2.3" });

test("the legend shows each structure's colour, below the pictures", () => {
  const request = sheetRequest();
  const { width, height, rgb } = drawSheet({ ...request, overlay: { opacity: 0, edgeOpacity: 0 } });
  for (const { color } of request.structures) {
    const rows = new Set<number>();
    for (let at = 0; at < width * height; at++)
      if (color.every((part, channel) => rgb[3 * at + channel] === part)) rows.add(Math.floor(at / width));
    assert.equal(rows.size, 16, "a square of 16 pixels");
    assert.ok(Math.min(...rows) > height - 100);
  }
});

test("the same request gives the same picture", () => {
  assert.deepEqual(drawSheet(sheetRequest()), drawSheet(sheetRequest()));
});

test("the picture grows with the legend, and 117 structures have their place", () => {
  const request = sheetRequest();
  const many = Array.from({ length: 117 }, (_, at) => ({ ...request.structures[0]!, value: at + 1, title: `Structure ${at + 1}` }));
  const [few, all] = [drawSheet(request), drawSheet({ ...request, structures: many })];
  assert.equal(all.height - few.height, 30 * 26 - 30); // thirty rows of four in the place of one of three
});

test("words on a sheet change it: title, model, software, names and volumes", () => {
  const request = sheetRequest();
  const plain = Buffer.from(drawSheet(request).rgb);
  const [first, ...others] = request.structures;
  const changes: Partial<SheetRequest>[] = [
    { title: "Other title" },
    { model: "balls 1.2.4" },
    { software: "Segbox 0.2.0" },
    { structures: [{ ...first!, title: "Other ball" }, ...others] },
    { structures: [{ ...first!, volumeMl: 8.88 }, ...others] },
    { structures: [{ ...first!, isTruncated: true }, ...others] },
  ];
  for (const change of changes) assert.ok(!plain.equals(drawSheet({ ...request, ...change }).rgb), Object.keys(change)[0]);
});

test("a volume is a lower bound where the field of view cuts the structure off, and a tiny one is not shown as nothing", () => {
  const [structure] = sheetRequest().structures;
  assert.equal(volumeText({ ...structure!, volumeMl: 1234.56 }), "1234.6 ml");
  assert.equal(volumeText({ ...structure!, volumeMl: 1.25, isTruncated: true }), "≥ 1.3 ml");
  assert.equal(volumeText({ ...structure!, volumeMl: 0.0123 }), "0.01 ml");
});
