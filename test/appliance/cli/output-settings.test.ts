import assert from "node:assert/strict";
import { test } from "node:test";
import { outputSettingsIn } from "../../../appliance/cli/output-settings.ts";
import { usualOutputSettings } from "../../../appliance/domain/rule.ts";

const settings = (values: Record<string, string>) => outputSettingsIn({ values, positionals: [] });

test("what is not given is as usual, what is given is taken", () => {
  assert.deepEqual(settings({}), usualOutputSettings);
  assert.deepEqual(settings({ holes: "inner-xor", simplify: "0.25", compression: "rle", surfaces: "stl" }), {
    rtstruct: { holes: "inner-xor", simplifyMm: 0.25 },
    segLabelmap: { compression: "rle" },
    surfaces: "stl",
  });
});

test("another word or a number out of range is told with what is expected", () => {
  assert.throws(() => settings({ surfaces: "ply" }), { name: "UsageError", message: '--surfaces: expected none, obj, stl, found "ply"' });
  for (const simplify of ["-1", "11", "much"])
    assert.throws(() => settings({ simplify }), { name: "UsageError", message: `--simplify: expected 0 to 10 mm, found ${simplify}` });
});
