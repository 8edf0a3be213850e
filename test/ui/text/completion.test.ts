import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeriesCompletion } from "../../../appliance/api/series.ts";
import { text } from "../../../ui/text/en.ts";

const completion = (more: Partial<SeriesCompletion>): string =>
  text.series.completion({ how: "quiet", instances: 312, expected: null, saidBy: null, waitedMs: null, at: 1, ...more });

test("by what a series was judged complete is said with its evidence", () => {
  assert.equal(completion({ how: "source", expected: 312, saidBy: "PACS" }), "312 of 312 at PACS");
  assert.equal(
    completion({ how: "declared", expected: 312, saidBy: "Number of Series Related Instances" }),
    "312 of 312 by Number of Series Related Instances",
  );
  assert.equal(completion({ waitedMs: 10_000 }), "quiet for 10 s");
  assert.equal(completion({ waitedMs: 10_000, expected: 400, saidBy: "PACS" }), "quiet for 10 s, 312 of 400 at PACS");
  assert.equal(completion({ how: "forced", waitedMs: 1_800_000 }), "forced after 30 min");
});
