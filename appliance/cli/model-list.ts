import { catalogueSource, catalogueTasks } from "../../models/catalogue/catalogue.ts";
import { dataFolder } from "../config/data-folder.ts";
import { filesOf, listModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import { type Command, optional } from "./command.ts";

export const modelList: Command = {
  words: ["model", "list"],
  summary: "list the models that are installed, or could be",
  help: `
segbox model list [--data DIR] [--catalogue]

Lists the models that come with Segbox and those installed in a data folder: name, version, networks with their precisions, labels, size.

  --data DIR   the service's data folder
  --catalogue  list what can be imported of TotalSegmentator instead, and what can't and why
`,
  options: { data: { type: "string" }, catalogue: { type: "boolean" } },
  positionals: 0,
  async run(args) {
    const lines = args.values.catalogue === true ? catalogueLines() : await installedLines(optional(args, "data"));
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
    return 0;
  },
};

async function installedLines(data: string | undefined): Promise<readonly string[]> {
  const listed = await listModels([shippedModels, ...(data === undefined ? [] : [dataFolder(data).models])]);
  return listed.map((model) => {
    if ("refusal" in model) return `${model.folder}  can't be used: ${model.refusal.message}`;
    const { name, version, parts, labels, crop } = model.manifest;
    const networks = parts.map(
      (part) => `${part.name} (${part.networks.map(({ precision, engine }) => (engine === "onnx" ? precision : engine)).join(", ")})`,
    );
    const bytes = parts.flatMap((part) => part.networks.flatMap(filesOf)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const cropped = crop ? `, cropped by ${crop.model}` : "";
    return `${name.padEnd(24)} ${version.padEnd(20)} ${labelCount(labels)}  ${(bytes / 1e6).toFixed(0).padStart(4)} MB  ${networks.join(", ")}${cropped}`;
  });
}

function catalogueLines(): readonly string[] {
  const { repository, version, commit } = catalogueSource;
  return [
    `TotalSegmentator ${version} (${repository}, ${commit.slice(0, 8)})`,
    ...catalogueTasks.map(({ name, labels, parts, spacingMmXyz, modality, licence, unusable }) => {
      const spacing = spacingMmXyz ? `${spacingMmXyz.map((each) => Number(each.toFixed(2))).join(" x ")} mm` : "nnU-Net's";
      const against = modality !== "CT" ? "for MR images" : licence !== "Apache-2.0" ? "needs a licence of its authors" : (unusable ?? "");
      const datasets = parts.map(({ dataset }) => dataset).join(" ");
      return `${name.padEnd(28)} ${labelCount(labels)}  ${spacing.padEnd(22)} ${datasets.padEnd(20)} ${against}`.trimEnd();
    }),
  ];
}

const labelCount = ({ length }: readonly unknown[]): string => `${String(length).padStart(3)} ${length === 1 ? "label " : "labels"}`;
