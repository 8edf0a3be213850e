import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, Changes } from "../../../appliance/pipeline/changes.ts";

test("listeners hear of changes and progress until they leave", () => {
  const changes = new Changes();
  const heard: Change[] = [];
  const leave = changes.subscribe((change) => heard.push(change));
  changes.seriesChanged(3);
  changes.progressed(3, 9, 0.5);
  leave();
  changes.seriesChanged(4);
  assert.deepEqual(heard, [
    { kind: "series", seriesId: 3 },
    { kind: "progress", seriesId: 3, resultId: 9, progress: 0.5 },
  ]);
});

test("progress is known while inference runs, and forgotten after it", () => {
  const changes = new Changes();
  assert.equal(changes.progressOf(9), null);
  changes.progressed(3, 9, 0);
  assert.equal(changes.progressOf(9), 0);
  changes.clearProgress(9);
  assert.equal(changes.progressOf(9), null);
});
