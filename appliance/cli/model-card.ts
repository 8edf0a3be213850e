import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { shippedModels } from "../main.ts";
import { readModelCard } from "../pipeline/model-card.ts";
import { writeModelCardPdf } from "../pipeline/model-card-pdf.ts";
import { writeDurably } from "../store/objects.ts";
import { type Command, optional, required, UsageError } from "./command.ts";

export const modelCard: Command = {
  words: ["model", "card"],
  summary: "write a model's card as PDF",
  help: `
segbox model card NAME --pdf FILE [--data DIR]

Writes what is known of a model to a file to read, print or keep: what it is for and not for, which form of its network results are made with, how the
INT8 form was judged structure by structure, what it takes on this machine, its files with their digests, and the text of its makers.

  --pdf FILE  the file; one that is there is replaced
  --data DIR  the service's data folder: its models count, and what was tried and measured there
`,
  options: { pdf: { type: "string" }, data: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: an installed model");
    const file = required(args, "pdf");
    const data = optional(args, "data");
    const folder = data === undefined ? undefined : dataFolder(data);
    const card = await readModelCard(
      {
        folders: [shippedModels, ...(folder ? [folder.models] : [])],
        activationFile: (model) => folder?.activation(model) ?? null,
        benchmarkFile: (model) => folder?.benchmark(model) ?? null,
      },
      name,
    );
    const pdf = await writeModelCardPdf(card, { softwareVersion: readSoftwareVersion(), createdAt: systemClock.now() });
    await writeDurably(file, [pdf]);
    process.stdout.write(`${file}: ${card.name} ${card.version}\n`);
    return 0;
  },
};
