import assert from "node:assert/strict";
import { sep } from "node:path";
import { test } from "node:test";
import { dataFolder } from "../../../appliance/config/data-folder.ts";

test("everything lies below the data folder, each in a place of its own", () => {
  const { root, result, activation, benchmark, ...rest } = dataFolder("/var/lib/segbox");
  const paths = [...Object.values(rest), result(1), result(2), activation("a"), activation("b"), benchmark("a")];
  assert.ok(paths.every((path) => path.startsWith(root + sep)));
  assert.equal(new Set(paths).size, paths.length);
});
