import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceFacts } from "../../../appliance/domain/series.ts";
import { addCompletion, countInstances, listCompletions, readDeclared } from "../../../appliance/store/completions.ts";
import { addInstance } from "../../../appliance/store/series.ts";
import { arrival, temporaryDatabase } from "../../make/database.ts";

/** What a series says of itself whose images have these facts. */
async function declaredBy(...facts: readonly Partial<InstanceFacts>[]) {
  await using made = await temporaryDatabase();
  for (const [index, fact] of facts.entries()) addInstance(made.database, arrival(index + 1, { facts: fact }));
  return readDeclared(made.database, 1);
}

test("the number of a series' instances counts where every image has the same", async () => {
  assert.deepEqual(await declaredBy({ seriesInstances: 3 }, { seriesInstances: 3 }), { by: "series", expected: 3, found: 2 });
  assert.equal(await declaredBy({ seriesInstances: 3 }, {}), null);
  assert.equal(await declaredBy({ seriesInstances: 3 }, { seriesInstances: 4 }), null);
  assert.equal(await declaredBy({}, {}), null);
});

test("images in acquisition count by acquisition, frames of a multi-frame image included", async () => {
  const first = { acquisitionNumber: 1, imagesInAcquisition: 2 };
  const second = { acquisitionNumber: 2, imagesInAcquisition: 5 };
  assert.deepEqual(await declaredBy(first, first), { by: "acquisitions", expected: 2, found: 2 });
  assert.deepEqual(await declaredBy(first, first, second), { by: "acquisitions", expected: 7, found: 3 });
  assert.deepEqual(await declaredBy(first, first, { ...second, numberOfFrames: 5 }), { by: "acquisitions", expected: 7, found: 7 });
  assert.equal(await declaredBy(first, {}), null);
});

test("an image that came with two contents counts once, and a series that has one says nothing of itself", async () => {
  await using made = await temporaryDatabase();
  const facts = { seriesInstances: 2 };
  const { seriesId } = addInstance(made.database, arrival(1, { facts }));
  addInstance(made.database, arrival(1, { facts, content: "-other" }));
  assert.equal(countInstances(made.database, seriesId), 1);
  assert.equal(readDeclared(made.database, seriesId), null);
});

test("one acquisition too many images and another too few is not complete, though the sum fits", async () => {
  const image = (acquisitionNumber: number) => ({ acquisitionNumber, imagesInAcquisition: 2 });
  assert.deepEqual(await declaredBy(image(1), image(1), image(1), image(2)), { by: "acquisitions", expected: 4, found: 3 });
});

test("each judgement is kept, and second copies of images do not count", async () => {
  await using made = await temporaryDatabase();
  const { seriesId } = addInstance(made.database, arrival(1));
  addInstance(made.database, { ...arrival(1, { content: "-coerced" }), sameAs: 1 });
  assert.equal(countInstances(made.database, seriesId), 1);
  const quiet = { how: "quiet", instances: 1, expected: null, saidBy: null, waitedMs: 10_000 } as const;
  const source = { how: "source", instances: 2, expected: 2, saidBy: "PACS", waitedMs: null } as const;
  addCompletion(made.database, seriesId, quiet, 5);
  addCompletion(made.database, seriesId, source, 9);
  assert.deepEqual(listCompletions(made.database, seriesId), [
    { ...quiet, at: 5 },
    { ...source, at: 9 },
  ]);
});
