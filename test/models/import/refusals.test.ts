import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importModels } from "../../../models/import/import-model.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { makeSmallNetworks } from "./small-networks.ts";

const good = "Dataset901_Good";
const inner = "nnUNetTrainer__nnUNetPlans__3d_fullres";
let given: TemporaryFolder;

before(async () => {
  given = await temporaryFolder("results");
  await makeSmallNetworks(given.path, [
    { name: good, labels: ["liver"] },
    { name: "Dataset902_NaN", labels: ["liver"], poisoned: { "encoder.stages.1.0.convs.0.conv.weight": "nan" } },
    { name: "Dataset903_Infinite", labels: ["liver"], poisoned: { "decoder.seg_layers.0.bias": "-inf" } },
  ]);
});
after(async () => await given[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: other programs' JSON, to be broken in many ways
type Json = any;
type Change = { readonly plans?: (plans: Json, configuration: Json) => void; readonly dataset?: (dataset: Json) => void };

const changes: Readonly<Record<string, Change & { readonly code: string; readonly message: RegExp }>> = {
  "an unknown network in old plans": {
    plans: (_, configuration) => Object.assign(configuration, { UNet_class_name: "UMambaBot" }),
    code: "plans-unknown",
    message: /unknown network UMambaBot, expected PlainConvUNet or ResidualEncoderUNet/,
  },
  "an unknown network in new plans": {
    plans: (_, configuration) =>
      Object.assign(configuration, {
        architecture: { network_class_name: "dynamic_network_architectures.architectures.primus.Primus", arch_kwargs: {} },
      }),
    code: "plans-unknown",
    message: /unknown network Primus/,
  },
  "a network of somebody's own": {
    plans: (_, configuration) =>
      Object.assign(configuration, { architecture: { network_class_name: "my.home.PlainConvUNet", arch_kwargs: {} } }),
    code: "plans-unknown",
    message: /unknown network my\.home\.PlainConvUNet/,
  },
  "plans of a deeper network": {
    plans: (_, configuration) => Object.assign(configuration, { n_conv_per_stage_encoder: [2, 1] }),
    code: "weight-missing",
    message: /has no weight encoder\.stages\.0\.0\.convs\.1\.conv\.weight/,
  },
  "plans of a wider network": {
    plans: (_, configuration) => Object.assign(configuration, { unet_max_num_features: 6 }),
    code: "weight-shape",
    message: /weight encoder\.stages\.1\.0\.convs\.0\.conv\.weight: expected \[6,4,3,3,3\] by the plans, found \[8,4,3,3,3\]/,
  },
  "plans of another architecture": {
    plans: (_, configuration) => Object.assign(configuration, { UNet_class_name: "ResidualEncoderUNet" }),
    code: "weight-missing",
    message: /has no weight encoder\.stem\.convs\.0\.conv\.weight, which ResidualEncoderUNet of these plans needs/,
  },
  "a label more than the network has": {
    dataset: (dataset) => Object.assign(dataset.labels, { spleen: 2 }),
    code: "weight-shape",
    message: /weight decoder\.seg_layers\.0\.weight: expected \[3,4,1,1,1\]/,
  },
  "a kernel that can't be centred": {
    plans: (_, configuration) => {
      configuration.conv_kernel_sizes[0] = [2, 3, 3];
    },
    code: "plans-unknown",
    message: /kernel_sizes has \[2,3,3\], expected odd lengths/,
  },
  "a network for MR images": {
    plans: (_, configuration) => Object.assign(configuration, { normalization_schemes: ["ZScoreNormalization"] }),
    code: "plans-unknown",
    message: /unknown normalization scheme ZScoreNormalization, expected CTNormalization/,
  },
};

for (const [name, { plans, dataset, code, message }] of Object.entries(changes))
  test(`refused with its reason, and nothing is left: ${name}`, async () => {
    await using data = await temporaryFolder("data");
    const from = join(data.path, good);
    await cp(join(given.path, good), from, { recursive: true });
    const change = async (file: string, apply: (json: Json) => void): Promise<void> => {
      const path = join(from, inner, file);
      const json = JSON.parse(await readFile(path, "utf8"));
      apply(json);
      await writeFile(path, JSON.stringify(json));
    };
    if (plans) await change("plans.json", (json) => plans(json, json.configurations["3d_fullres"]));
    if (dataset) await change("dataset.json", dataset);
    await refused(from, data.path, code, message);
  });

for (const [name, message] of [
  ["Dataset902_NaN", /weight encoder\.stages\.1\.0\.convs\.0\.conv\.weight has NaN at place 863/],
  ["Dataset903_Infinite", /weight decoder\.seg_layers\.0\.bias has -Infinity at place 1/],
] as const)
  test(`weights that are no numbers are refused: ${name}`, async () => {
    await using data = await temporaryFolder("data");
    await refused(join(given.path, name), data.path, "weight-not-finite", message);
  });

test("a folder without its dataset.json, or with half of it, is refused", async () => {
  await using data = await temporaryFolder("data");
  const from = join(data.path, good);
  await cp(join(given.path, good), from, { recursive: true });
  const path = join(from, inner, "dataset.json");
  await writeFile(path, (await readFile(path, "utf8")).slice(0, 40));
  await refused(from, data.path, "plans-unknown", /dataset\.json is not JSON/);
  await rm(path);
  await refused(from, data.path, "plans-missing", /no file at .*dataset\.json/);
  await rm(join(from, inner, "fold_0"), { recursive: true });
  await refused(from, data.path, "fold-missing", /has no fold with a checkpoint_final\.pth/);
});

async function refused(from: string, data: string, code: string, message: RegExp): Promise<void> {
  await assert.rejects(importModels(from, { models: join(data, "models") }), (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
  assert.deepEqual(await readdir(join(data, "models")).catch(() => []), []);
}
