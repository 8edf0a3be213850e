import assert from "node:assert/strict";
import { test } from "node:test";
import { mayMove, type ResultState, resultStates } from "../../../appliance/domain/result.ts";

const allowed: readonly (readonly [ResultState, ResultState])[] = [
  ["pending", "segmented"],
  ["pending", "failed"],
  ["pending", "superseded"],
  ["segmented", "ready"],
  ["segmented", "failed"],
  ["segmented", "superseded"],
  ["ready", "superseded"],
  ["failed", "pending"],
];

test("a result moves along its story only: what is superseded stays so, and what failed may begin anew", () => {
  const found = resultStates.flatMap((from) => resultStates.filter((to) => mayMove(from, to)).map((to) => [from, to] as const));
  assert.deepEqual(found, allowed);
});
