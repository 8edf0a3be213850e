import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

type Zyx = readonly [number, number, number];
type Found = {
  prepared: { shape: Zyx; cord: Zyx; right: Zyx; left: Zyx; belowTheCord: number; besideTheCord: number };
  losses: { contoured: number; notContoured: number; notJudged: number; isMandible: number };
  mirrored: { labels: number[]; thereAndBack: boolean; mayBeRight: number };
  apart: { resumed: number; shorter: number };
};

// Importing PyTorch takes seconds, so one run of the script serves all tests.
describe("how the head and neck network is trained", () => {
  let found: Found;
  before(async () => {
    await using folder = await temporaryFolder("headneck-training");
    found = (await python(join(import.meta.dirname, "training.py"), folder.path, { timeoutMs: 300_000 })) as Found;
  });

  test("the patient's right lies where the box puts it: at high x of canonical RAS", () => {
    const { right, left, cord } = found.prepared;
    assert.ok(right[2] > cord[2] && cord[2] > left[2], `right ${right[2]}, cord ${cord[2]}, left ${left[2]}`);
    assert.ok(right[1] > cord[1], "the parotids lie in front of the cord, and y ascends to the front");
  });

  test("slices that show contoured organs and nothing else are left out", () => {
    assert.equal(found.prepared.shape[0], 30);
  });

  test("below the lowest contour the cord is unknown, above it background is background, and what nobody contoured is unknown throughout", () => {
    const never = 0b1110001; // brainstem, mandible, larynx, esophagus: in no slice
    assert.equal(found.prepared.besideTheCord, 128 | never);
    assert.equal(found.prepared.belowTheCord, 128 | never | 0b0000010);
  });

  test("finding a structure costs nothing where nobody contoured it", () => {
    const { contoured, notContoured, notJudged, isMandible } = found.losses;
    assert.ok(contoured > 12, `${contoured}`); // cross entropy of a background voxel at a logit of 12, and the 1 of no Dice
    assert.equal(notContoured, 1);
    assert.equal(notJudged, 1);
    assert.ok(isMandible < 0.01, `${isMandible}`);
  });

  test("a mirrored patient's parotids change names, known or not", () => {
    assert.deepEqual(found.mirrored.labels, [0, 1, 2, 4, 3, 5, 6, 7]);
    assert.ok(found.mirrored.thereAndBack);
    assert.equal(found.mirrored.mayBeRight, 128 | 0b0001000);
  });

  test("training that was ended goes on as if it had not been", () => {
    assert.equal(found.apart.resumed, 0);
    assert.ok(found.apart.shorter > 1e-4, `${found.apart.shorter}`);
  });
});
