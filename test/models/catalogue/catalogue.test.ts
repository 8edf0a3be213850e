import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { catalogueLabel, catalogueTasks, usableTask } from "../../../models/catalogue/catalogue.ts";
import { makeCatalogue } from "../../../models/catalogue/make-catalogue.ts";
import { moreLabels, publishedElsewhere } from "../../../models/catalogue/more-codes.ts";
import { python } from "../../peers/python.ts";

const task = (name: string) => catalogueTasks.find((each) => each.name === name)!;

test("the catalogue is what its script makes of upstream's tables", () => {
  const file = JSON.parse(readFileSync("models/catalogue/totalsegmentator.json", "utf8"));
  assert.deepEqual(file, JSON.parse(JSON.stringify(makeCatalogue())));
});

test("`total` is five networks at 1.5 mm with 117 labels, numbered as upstream numbers them", () => {
  const { parts, labels, spacingMmXyz, stepSize, crop } = task("total");
  assert.deepEqual(
    parts.map(({ name, dataset, labels }) => [name, dataset, labels.length]),
    [
      ["organs", 291, 24],
      ["vertebrae", 292, 26],
      ["cardiac", 293, 18],
      ["muscles", 294, 23],
      ["ribs", 295, 26],
    ],
  );
  assert.deepEqual([labels.length, labels[0], labels[4], labels[50], labels[116]], [117, "spleen", "liver", "heart", "costal_cartilages"]);
  assert.deepEqual(
    labels,
    parts.flatMap((part) => part.labels),
  );
  assert.deepEqual([spacingMmXyz, stepSize, crop], [[1.5, 1.5, 1.5], 0.8, null]);
});

test("version 3 has a sixth lumbar vertebra where version 2 has the first sacral one", () => {
  assert.equal(task("total").labels[25], "vertebrae_S1");
  assert.equal(task("total_v3").labels[25], "vertebrae_L6");
});

test("a label that only helped in training is none of the task's", () => {
  const { parts, labels } = task("kidney_cysts");
  assert.deepEqual(parts[0]!.labels, ["kidney_cyst_left", "kidney_cyst_right", "kidney_left", "kidney_right"]);
  assert.deepEqual(parts[0]!.auxiliary, ["kidney_left", "kidney_right"]);
  assert.deepEqual(labels, ["kidney_cyst_left", "kidney_cyst_right"]);
  assert.equal(usableTask("kidney_cysts").name, "kidney_cysts");
});

test("whatever a task crops to is a label of the model that it names", () => {
  for (const { name, crop } of catalogueTasks) {
    if (!crop || task(name).modality !== "CT") continue;
    for (const label of crop.labels) assert.ok(task(crop.model).labels.includes(label), `${name}: ${crop.model} has no ${label}`);
  }
});

test("every label of `total` and `body` has codes of today's DICOM, sides kept", () => {
  for (const name of [...task("total").labels, ...task("body").labels]) {
    const label = catalogueLabel(name);
    assert.ok(label, name);
    assert.ok(["91723000", "49755003"].includes(label.category.value), name);
    const side = /_(left|right)(_|$)/.exec(name)?.[1];
    // "Middle lobe of right lung" says its side in its type.
    if (side && name !== "lung_middle_lobe_right") assert.equal(label.modifiers.at(-1)?.meaning.toLowerCase(), side, name);
  }
  assert.deepEqual(catalogueLabel("kidney_left")?.type, { value: "64033007", scheme: "SCT", meaning: "Kidney" });
  assert.deepEqual(catalogueLabel("gluteus_minimus_left")?.type, { value: "75297007", scheme: "SCT", meaning: "Gluteus minimus muscle" });
});

test("two labels of one task are never the same thing to DICOM", () => {
  for (const { name, labels } of catalogueTasks) {
    const seen = new Map<string, string>();
    for (const label of labels) {
      const known = catalogueLabel(label);
      if (!known) continue;
      const { type, modifiers, anatomicRegion } = known;
      const key = JSON.stringify([type, modifiers, anatomicRegion]);
      assert.equal(seen.get(key), undefined, `${name}: ${label} is coded like ${seen.get(key)}`);
      seen.set(key, label);
    }
  }
});

test("what can't be run is refused by name: MR, a licence, a missing step", () => {
  assert.equal(usableTask("lung_vessels").name, "lung_vessels");
  assert.throws(() => usableTask("total_mr"), { code: "task-not-ct", message: /total_mr is a task for MR/ });
  assert.throws(() => usableTask("tissue_types"), { code: "task-needs-licence", message: /tissue_types is not open/ });
  assert.throws(() => usableTask("vertebrae_pp_refined"), { code: "task-unusable", message: /masks of another task/ });
  assert.throws(() => usableTask("vertebrae_pp"), { code: "task-unusable", message: /grows them by 3 mm/ });
  assert.throws(() => usableTask("total_pet"), { code: "task-unknown", message: /no task total_pet/ });
});

test("codes of our own choice are DICOM's, and mean there what we say", async () => {
  const named = Object.values(moreLabels).flatMap(({ category, type, anatomicRegion }) => [
    category,
    type,
    ...(anatomicRegion ? [anatomicRegion] : []),
  ]);
  const concepts = [...named, ...Object.values(moreLabels).flatMap(({ modifiers }) => modifiers)];
  const known = (await python("test/models/catalogue/known_codes.py", [...new Set(concepts.map(({ value }) => value))])) as Record<
    string,
    string | null
  >;
  // "Submandibular salivary apparatus" and the like: every longer word of our meaning, but those that only say what kind of thing it is.
  const kind = /^(muscle|gland|bone|structure|tooth|maxillary|mandibular|morphologically|abnormal)$/;
  for (const { value, meaning } of concepts) {
    if (value in publishedElsewhere) continue;
    const theirs = known[value]?.toLowerCase().replace("venous", "vein");
    assert.ok(theirs, `PS3.16 has no ${value} (${meaning})`);
    if (meaning === "Bilateral") continue; // "right and left" there
    for (const word of meaning.toLowerCase().split(/[^a-z]+/))
      if (word.length > 2 && !kind.test(word)) assert.ok(theirs.includes(word), `${value}: ${meaning} is ${theirs} in PS3.16`);
  }
});
