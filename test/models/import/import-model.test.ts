import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { listModels, loadModel } from "../../../appliance/inference/models.ts";
import { catalogueTasks } from "../../../models/catalogue/catalogue.ts";
import { importModels } from "../../../models/import/import-model.ts";
import { settleImports } from "../../../models/import/settle.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";
import { makeSmallNetworks } from "./small-networks.ts";

const total = catalogueTasks.find(({ name }) => name === "total")!;
const cysts = catalogueTasks.find(({ name }) => name === "kidney_cysts")!;
const [nodules, spleens] = ["Dataset900_Lung_Nodules", "Dataset009_Spleen"];
let given: TemporaryFolder;

before(async () => {
  given = await temporaryFolder("results");
  await makeSmallNetworks(given.path, [
    { name: nodules, labels: ["odd thing", "liver"], mirroring: [0, 2], folds: [0, 1, "all"] },
    { name: spleens, labels: ["spleen"], folds: [3] },
    ...total.parts.map(({ folder, labels }) => ({ name: folder, labels, trainer: total.trainer, mirroring: [0] })),
    { name: "Dataset481_tissue_1559subj", labels: ["subcutaneous_fat", "torso_fat", "skeletal_muscle"] },
    { name: cysts.parts[0]!.folder, labels: ["cyst_left", "cyst_right", "kidney_left", "kidney_right"] },
    { name: "Dataset850_TotalSegMRI_part1_organs_1088subj", labels: ["spleen"] },
  ]);
});
after(async () => await given[Symbol.asyncDispose]());

test("a network of one's own becomes a model with its own labels and its training's mirroring", async () => {
  await using data = await temporaryFolder("data");
  const said: string[] = [];
  const [model, ...more] = await importModels(join(given.path, nodules), {
    models: join(data.path, "models"),
    say: (line) => said.push(line),
  });
  assert.equal(more.length, 0);
  const { manifest } = await loadModel(model!.folder);
  assert.equal(model!.folder, join(data.path, "models/lung_nodules"));
  assert.deepEqual([manifest.name, manifest.mirrorAxes, manifest.stepSize, manifest.crop], ["lung_nodules", [0, 2], 0.5, null]);
  assert.deepEqual(
    manifest.labels.map(({ value, name, type, category }) => [value, name, type.scheme, type.meaning, category.value]),
    [
      [1, "odd thing", "99SEGBOX", "Odd thing", "309825002"],
      [2, "liver", "SCT", "Liver", "91723000"],
    ],
  );
  assert.ok(said.some((line) => /no standard code is known for odd thing/.test(line)));
  assert.ok(said.some((line) => /labels coded by their names: liver/.test(line)));
  assert.ok(said.some((line) => /resampled as its plans say/.test(line)));
  assert.deepEqual([manifest.parts[0]!.nnunet.zoomOrder, model!.parts[0]!.plans.zoomOrder], [3, 3]);
  assert.ok(said.some((line) => /fold 0 of 0, 1, all; folds are not run together/.test(line)));
  assert.deepEqual((await readdir(model!.folder)).sort(), ["main", "manifest.json"]);
  assert.deepEqual((await readdir(join(model!.folder, "main"))).sort(), ["dataset.json", "fp32.onnx", "plans.json"]);
  assert.deepEqual(await readdir(join(data.path, "models")), ["lung_nodules"]);
});

test("the same from an archive, packed as nnU-Net exports it", async () => {
  await using data = await temporaryFolder("data");
  const archive = join(data.path, "model.zip");
  await zip(archive, join(given.path, nodules), nodules);
  const models = join(data.path, "models");
  const [model] = await importModels(archive, { models, name: "nodules", fold: "all" });
  const [again] = await importModels(join(given.path, nodules), { models, name: "again", fold: "all" });
  assert.equal(model!.manifest.name, "nodules");
  assert.deepEqual(model!.manifest.parts, again!.manifest.parts);
});

test("the only fold is taken, an absent one is refused with those that are there", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  const [model] = await importModels(join(given.path, spleens), { models });
  assert.equal(model!.manifest.name, "spleen");
  await assert.rejects(importModels(join(given.path, spleens), { models, name: "other", fold: "0" }), {
    code: "fold-missing",
    message: /has no fold 0, only 3/,
  });
});

test("a name is taken once, unless the model is to be replaced", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  const from = join(given.path, spleens);
  await importModels(from, { models });
  await writeFile(join(models, "spleen/mark"), "");
  await assert.rejects(importModels(from, { models }), { code: "model-exists" });
  await importModels(from, { models, replace: true });
  assert.ok(!(await readdir(join(models, "spleen"))).includes("mark"));
  await assert.rejects(importModels(from, { models, name: "shipped", reserved: ["shipped"] }), {
    code: "model-exists",
    message: /comes with the service/,
  });
});

test("a model that a killed import had moved aside comes back, unless its successor is there", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  await importModels(join(given.path, spleens), { models });
  const nobody = 2 ** 22 + 1; // above the largest process id
  const aside = join(models, ".importing", `spleen.${nobody}.replaced`);
  await mkdir(join(models, ".importing"));
  await rename(join(models, "spleen"), aside);
  await settleImports(models);
  assert.equal((await loadModel(join(models, "spleen"))).manifest.name, "spleen");
  await cp(join(models, "spleen"), aside, { recursive: true });
  await settleImports(models);
  assert.deepEqual(await readdir(join(models, ".importing")), []);
  assert.equal((await loadModel(join(models, "spleen"))).manifest.name, "spleen");
});

test("of a weights folder every whole task is imported, and what is left out is named", async () => {
  await using data = await temporaryFolder("data");
  const said: string[] = [];
  const imported = await importModels(given.path, { models: join(data.path, "models"), say: (line) => said.push(line) });
  const names = imported.map(({ manifest }) => manifest.name);
  assert.deepEqual(names, ["total", "kidney_cysts"]);
  const { manifest, parts } = imported[0]!;
  assert.deepEqual(
    manifest.parts.map(({ name }) => name),
    ["organs", "vertebrae", "cardiac", "muscles", "ribs"],
  );
  assert.equal(manifest.labels.length, 117);
  assert.deepEqual([manifest.stepSize, manifest.mirrorAxes], [0.8, []]); // its trainer allowed mirroring; TotalSegmentator does not do it
  assert.deepEqual(manifest.labels[1], {
    value: 2,
    name: "kidney_right",
    title: "Kidney right",
    category: { value: "91723000", scheme: "SCT", meaning: "Anatomical Structure" },
    type: { value: "64033007", scheme: "SCT", meaning: "Kidney" },
    modifiers: [{ value: "24028007", scheme: "SCT", meaning: "Right" }],
    anatomicRegion: null,
    color: [34, 102, 136],
    rtRoiInterpretedType: "ORGAN",
  });
  assert.equal(parts[1]!.plans.classes, 27);
  assert.ok(manifest.labels.every(({ type }) => type.scheme === "SCT"));
  const all = said.join("\n");
  // The small networks stand for the task's and are planned at 3 x 1.5 x 1.5 mm.
  assert.match(all, /total, organs: trained at 1\.5 x 1\.5 x 3 mm, where upstream brings the CT to 1\.5 x 1\.5 x 1\.5 mm first/);
  assert.match(all, /tissue_types is left out: .*licence/);
  assert.match(all, /total_mr is left out: total_mr is a task for MR images/);
  assert.match(all, /nnUNetTrainer__nnUNetPlans__3d_fullres is not in the catalogue and left out/);
});

test("a whole weights folder in one archive is imported alike", async () => {
  await using data = await temporaryFolder("data");
  const archive = join(data.path, "weights.zip");
  await zip(archive, given.path, "results");
  const imported = await importModels(archive, { models: join(data.path, "models"), name: "total" });
  assert.deepEqual(
    imported.map(({ manifest }) => [manifest.name, manifest.parts.length]),
    [["total", 5]],
  );
});

test("a task that is named is imported alone, with its licence where it needs one", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  await assert.rejects(importModels(given.path, { models, name: "tissue_types" }), { code: "task-needs-licence" });
  const [tissue] = await importModels(given.path, { models, name: "tissue_types", licensed: true });
  assert.equal(tissue!.manifest.licence, "TotalSegmentator licence");
  await assert.rejects(importModels(given.path, { models, name: "lung_vessels" }), {
    code: "task-not-here",
    message: /lung_vessels is not here; here are total, /,
  });
  await assert.rejects(importModels(given.path, { models, name: "total_mr" }), { code: "task-not-ct" });
});

test("labels that only helped in training are left out of the model, and small pieces only where that was asked for", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  const [plain] = await importModels(given.path, { models, name: "kidney_cysts" });
  const { labels, parts, postprocessing } = (await loadModel(plain!.folder)).manifest;
  assert.deepEqual(
    labels.map(({ value, name }) => [value, name]),
    [
      [1, "kidney_cyst_left"],
      [2, "kidney_cyst_right"],
    ],
  );
  assert.deepEqual(parts[0]!.auxiliary, ["kidney_left", "kidney_right"]);
  assert.deepEqual(postprocessing, { removeSmallBlobsMm3: null, keepLargest: [] });
  const [without] = await importModels(given.path, { models, name: "kidney_cysts", replace: true, removeSmallBlobsMm3: 200 });
  assert.equal(without!.manifest.postprocessing.removeSmallBlobsMm3, 200);
});

test("four parts of five are no `total`", async () => {
  await using data = await temporaryFolder("data");
  const some = join(data.path, "weights");
  for (const { folder } of total.parts.slice(1)) await cp(join(given.path, folder), join(some, folder), { recursive: true });
  await assert.rejects(importModels(some, { models: join(data.path, "models") }), {
    code: "task-incomplete",
    message: /total has 5 parts, and Dataset291_TotalSegmentator_part1_organs_1559subj not here/,
  });
  assert.deepEqual(await readdir(data.path), ["weights"]);
});

test("labels count by the catalogue's numbers: another spelling is renamed, another order refused", async () => {
  await using data = await temporaryFolder("data");
  const weights = join(data.path, "weights");
  for (const { folder } of total.parts) await cp(join(given.path, folder), join(weights, folder), { recursive: true });
  const path = join(weights, total.parts[0]!.folder, `${total.trainer}__nnUNetPlans__3d_fullres`, "dataset.json");
  const dataset = JSON.parse(await readFile(path, "utf8"));
  const { liver, spleen, ...labels } = dataset.labels;
  await writeFile(path, JSON.stringify({ ...dataset, labels: { ...labels, spleen, Leber: liver } }));
  const said: string[] = [];
  const [model] = await importModels(weights, { models: join(data.path, "models"), say: (line) => said.push(line) });
  assert.ok(said.includes("total, organs: label Leber -> liver, as the catalogue numbers it"));
  assert.equal(model!.parts[0]!.plans.labels[liver - 1]!.name, "liver");
  await writeFile(path, JSON.stringify({ ...dataset, labels: { ...labels, spleen: liver, liver: spleen } }));
  await assert.rejects(importModels(weights, { models: join(data.path, "other") }), {
    code: "labels-other",
    message: /expected label 1 to be spleen, dataset.json has liver/,
  });
});

test("a model with its manifest is copied as it is, from a folder or an archive, and checked", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  const [copied] = await importModels("models/reference", { models });
  assert.equal(copied!.manifest.name, "reference");
  assert.deepEqual(await readFile(join(models, "reference/model.onnx")), await readFile("models/reference/model.onnx"));
  const archive = join(data.path, "reference.zip");
  await zip(archive, "models/reference", "reference");
  await importModels(archive, { models, replace: true });
  const damaged = join(data.path, "damaged");
  await cp("models/reference", damaged, { recursive: true });
  const bytes = await readFile(join(damaged, "model.onnx"));
  bytes[1000]! ^= 1;
  await writeFile(join(damaged, "model.onnx"), bytes);
  await assert.rejects(importModels(damaged, { models: join(data.path, "other") }), { code: "model-digest" });
});

test("what an import left that was killed is taken away by the next one", async () => {
  await using data = await temporaryFolder("data");
  const workshop = join(data.path, "models/.importing");
  const nobody = 4_194_305; // above any process id of Linux
  await mkdir(join(workshop, `half.${nobody}`), { recursive: true });
  await mkdir(join(workshop, `busy.${process.ppid}`), { recursive: true });
  const models = join(data.path, "models");
  await importModels(join(given.path, spleens), { models });
  assert.deepEqual(await readdir(workshop), [`busy.${process.ppid}`]);
  assert.deepEqual(
    (await listModels([models])).map(({ folder }) => folder),
    [join(models, "spleen")],
  );
});

test("nothing that could be imported is said so", async () => {
  await using data = await temporaryFolder("data");
  const models = join(data.path, "models");
  await assert.rejects(importModels(join(data.path, "nowhere"), { models }), { code: "import-path", message: /there is nothing at/ });
  await writeFile(join(data.path, "network.onnx"), "");
  await assert.rejects(importModels(join(data.path, "network.onnx"), { models }), {
    code: "import-path",
    message: /give a folder with its manifest\.json/,
  });
  await assert.rejects(importModels(data.path, { models }), { code: "import-path", message: /holds no model: expected nnU-Net's/ });
  await zip(join(data.path, "empty.zip"), "test/models/onnx", "folder");
  await assert.rejects(importModels(join(data.path, "empty.zip"), { models }), { code: "archive-no-model" });
  const two = join(data.path, "two");
  for (const name of [nodules, spleens]) await cp(join(given.path, name), join(two, name), { recursive: true });
  await assert.rejects(importModels(two, { models }), { code: "import-several", message: /holds 2 networks/ });
  await rm(two, { recursive: true });
});

/** Packs a folder with Python's zipfile, deflated, below a name of its own. */
async function zip(archive: string, folder: string, name: string): Promise<void> {
  const script =
    "import sys, zipfile, pathlib; a, f, n = sys.argv[1:]; z = zipfile.ZipFile(a, 'w', zipfile.ZIP_DEFLATED); [z.write(p, pathlib.Path(n) / p.relative_to(f)) for p in sorted(pathlib.Path(f).rglob('*'))]; z.close()";
  const { code, stderr } = await run("/usr/bin/python3", ["-c", script, archive, folder, name]);
  assert.equal(code, 0, stderr);
}
