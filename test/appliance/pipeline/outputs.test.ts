import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKinds, resultOutputs } from "../../../appliance/domain/rule.ts";
import { mintUids, outputForms, outputsToWrite } from "../../../appliance/pipeline/outputs.ts";

test("where nothing was found only what can say so is written, and an empty SEG by wish", () => {
  assert.deepEqual(outputsToWrite(resultOutputs, false, false), resultOutputs);
  assert.deepEqual(outputsToWrite(resultOutputs, true, false), ["sr", "secondary-capture", "pdf"]);
  assert.deepEqual(outputsToWrite(["seg", "rtstruct", "sr"], true, true), ["seg", "sr"]);
  assert.deepEqual(outputsToWrite(["rtstruct"], true, true), ["sr"], "somebody waits for an answer");
});

test("every output has a file, a series number and UIDs of its own", () => {
  const uids = Object.values(mintUids()).flatMap(({ seriesInstanceUid, sopInstanceUid }) => [seriesInstanceUid, sopInstanceUid]);
  assert.equal(new Set(uids).size, 2 * resultOutputs.length);
  for (const key of ["file", "seriesNumber", "title"] as const)
    assert.equal(new Set(Object.values(outputForms).map((form) => form[key])).size, objectKinds.length, key);
});
