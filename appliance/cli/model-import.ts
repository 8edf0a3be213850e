import { importModels } from "../../models/import/import-model.ts";
import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import { filesOf, type LoadedModel, usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import { auditFirst } from "./audit-first.ts";
import { type Command, optional, required } from "./command.ts";

/** TotalSegmentator's. */
const usualSmallBlobMm3 = 200;

export const modelImport: Command = {
  words: ["model", "import"],
  summary: "import a network of nnU-Net or TotalSegmentator",
  help: `
segbox model import --from PATH --data DIR [--name NAME] [--fold N] [--licensed] [--replace] [--remove-small-blobs]

Makes a model of what lies at PATH, without Python and without the internet; the service may be running and sees it at once. PATH is one of

  a folder or zip archive of nnU-Net v2's: DatasetNNN_*/TRAINER__PLANS__3d_fullres/ with plans.json, dataset.json, fold_0/checkpoint_final.pth
  TotalSegmentator's weights folder (~/.totalsegmentator/nnunet/results): every task that is whole there, or the one that --name says
  a folder or zip archive with a manifest.json and its ONNX files

A checkpoint is read as data: nothing in it is run. It is refused, with one line, where it is broken, names anything but tensors, or is not the
network that its plans describe. An import that ends early leaves nothing behind.

  --from PATH  what to import
  --data DIR   the service's data folder; the model becomes DIR/models/NAME
  --name NAME  the model's name, else the dataset's or task's
  --fold N     the fold of the training, or \`all\`; else 0, or the only one. Folds are not run together
  --licensed   you have the licence that the task's weights need
  --replace    take away a model of the same name
  --remove-small-blobs
               take away pieces of structures of 200 mm3 and less, as TotalSegmentator's option of this name does; the manifest can say
               another volume, also by label (postprocessing.removeSmallBlobsMm3, removeSmallBlobsMm3Of)
`,
  options: {
    from: { type: "string" },
    data: { type: "string" },
    name: { type: "string" },
    fold: { type: "string" },
    licensed: { type: "boolean" },
    replace: { type: "boolean" },
    "remove-small-blobs": { type: "boolean" },
  },
  positionals: 0,
  async run(args) {
    const folder = dataFolder(required(args, "data"));
    const started = systemClock.now();
    const models = await importModels(required(args, "from"), {
      models: folder.models,
      name: optional(args, "name"),
      fold: optional(args, "fold"),
      licensed: args.values.licensed === true,
      replace: args.values.replace === true,
      removeSmallBlobsMm3: args.values["remove-small-blobs"] === true ? usualSmallBlobMm3 : undefined,
      reserved: [...(await usableModels([shippedModels])).models.keys()],
      say: (line) => process.stdout.write(`${line}\n`),
      beforeInstall: ({ name, version }) => auditFirst(folder, { action: "model-imported", object: `model:${name}`, detail: { version } }),
    });
    const seconds = ((systemClock.now() - started) / 1000).toFixed(1);
    for (const model of models) process.stdout.write(`${describe(model)}\n`);
    process.stdout.write(`imported in ${seconds} s; \`segbox model activate NAME\` finds what runs it best here\n`);
    return 0;
  },
};

function describe({ folder, manifest: { name, parts, labels } }: LoadedModel): string {
  const bytes = parts.flatMap(({ networks }) => networks.flatMap(filesOf)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  return `${name}: ${count(parts.length, "network")}, ${count(labels.length, "label")}, ${(bytes / 1e6).toFixed(1)} MB in ${folder}`;
}
