import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { parseMarkdown } from "../../../appliance/api/markdown.ts";

const plain = (text: string) => [{ kind: "text", text }];

test("headings, paragraphs, lists, tables, bold and code become values", () => {
  const found = parseMarkdown(
    "# A *model*\n\nOne line\nand **bold** `code`.\n\n- first\n  goes on\n- second\n\n| a | b |\n| --- | --: |\n| 1 | **2** |\nend",
  );
  assert.deepEqual(found, [
    { kind: "heading", level: 1, spans: plain("A *model*") },
    {
      kind: "paragraph",
      spans: [
        { kind: "text", text: "One line and " },
        { kind: "strong", text: "bold" },
        { kind: "text", text: " " },
        { kind: "code", text: "code" },
        { kind: "text", text: "." },
      ],
    },
    { kind: "list", items: [plain("first goes on"), plain("second")] },
    { kind: "table", head: [plain("a"), plain("b")], rows: [[plain("1"), [{ kind: "strong", text: "2" }]]] },
    { kind: "paragraph", spans: plain("end") },
  ]);
});

test("markup and links stay text, comments are left out", () => {
  assert.deepEqual(parseMarkdown("<!-- int8 -->\n<script>alert(1)</script> [a](javascript:b)"), [
    { kind: "paragraph", spans: plain("<script>alert(1)</script> [a](javascript:b)") },
  ]);
});

test("every text has an end, and lines that look like half a block are text", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("#", "|", "-", "*", "`", " ", "\n", "a"), maxLength: 60 }), (text) => {
      parseMarkdown(text);
    }),
  );
  assert.deepEqual(parseMarkdown("| a | b |\nc"), [{ kind: "paragraph", spans: plain("| a | b | c") }]);
});

test("the cards that ship are read with their tables", async () => {
  for (const name of ["reference", "headneck-oar"]) {
    const card = await readFile(new URL(`../../../models/${name}/card.md`, import.meta.url), "utf8");
    const tables = parseMarkdown(card).filter((block) => block.kind === "table");
    assert.ok(tables.length >= 2, name);
    for (const { head, rows } of tables) for (const row of rows) assert.equal(row.length, head.length, name);
  }
});
