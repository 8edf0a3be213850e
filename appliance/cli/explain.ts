import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { Delivery, InferenceRecord, Receipt, Review } from "../domain/result.ts";
import { outputsOf } from "../domain/rule.ts";
import { explainUid, type Provenance } from "../pipeline/provenance.ts";
import { openExistingDatabase } from "../store/database.ts";
import { type Command, required, UsageError } from "./command.ts";
import { formLines } from "./explain-forms.ts";

export const explain: Command = {
  words: ["explain"],
  summary: "tell how a result came about",
  help: `
segbox explain UID --data DIR [--json]

Tells of a result, named by the SOP or Series Instance UID of one of its objects: which images it was made from, by which rule, model, engine and
settings, which form of the model's networks and what its card said of that form, what each step did and how long it took, which objects were written,
and where they went. Of one that was deleted since, too.

  --data DIR  the service's data folder
  --json      the whole record as JSON, every input's digest included
`,
  options: { data: { type: "string" }, json: { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const [uid] = args.positionals;
    if (uid === undefined) throw new UsageError("UID is required: a SOP or Series Instance UID of the result");
    const folder = dataFolder(required(args, "data"));
    const database = await openExistingDatabase(folder.database, systemClock.now());
    try {
      const { provenance, removedAt } = explainUid(database, uid);
      const all = { ...provenance, ...(removedAt !== null && { removedAt }) };
      const forms = args.values.json ? [] : await formLines(provenance, folder);
      process.stdout.write(args.values.json ? `${JSON.stringify(all, null, 2)}\n` : describe(all, forms));
      return 0;
    } finally {
      database.close();
    }
  },
};

function describe(
  {
    rule,
    model,
    series,
    inputs,
    inference,
    deliveries,
    receipts,
    steps,
    removedAt,
    ...result
  }: Provenance & { readonly removedAt?: string },
  forms: readonly (readonly [string, string])[],
): string {
  const lines: (readonly [string, string])[] = [
    ["result", `${result.resultId}, ${result.state}${result.reason ? `: ${result.reason.message}` : ""}, planned ${result.plannedAt}`],
    ...(removedAt === undefined ? [] : [["deleted", `${removedAt}, its images and files are not here any more`] as [string, string]]),
    ["study", series.studyInstanceUid],
    ["series", `${series.seriesInstanceUid}, sent by ${series.callingAeTitle}`],
    ["images", describeInputs(inputs, result)],
    ["rule", `${rule.name}: ${outputsOf(rule).join(", ")}, ${rule.deliver}`],
    ["model", `${model.name} ${model.version}`],
    ...forms,
    ...describeObjects(result.objects, "object"),
    ...(result.predecessor ? [["replaces", `result ${result.predecessor.resultId}`] as [string, string]] : []),
    ...describeObjects(result.predecessor?.objects ?? [], "replaces"),
    ...(inference ? describeInference(inference) : []),
    ...steps.map((step): [string, string] => ["step", describeStep(step)]),
    ...(result.review ? [["review", describeReview(result.review)] as [string, string]] : []),
    ...deliveries.map((delivery): [string, string] => ["delivery", describeDelivery(delivery)]),
    ...receipts.map((receipt): [string, string] => ["receipt", describeReceipt(receipt)]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

function describeInputs(
  inputs: Provenance["inputs"],
  { inputsSha256, seriesIsUnchanged, imagesRemovedAt }: Pick<Provenance, "inputsSha256" | "seriesIsUnchanged" | "imagesRemovedAt">,
): string {
  const count = inputs.length > 0 ? `${inputs.length}` : "not kept by the release that made it";
  return `${count}; SHA-256 of their digests ${inputsSha256}${imagesRemovedAt ? `; deleted ${imagesRemovedAt}` : seriesIsUnchanged ? "" : "; the series has others by now"}`;
}

function describeObjects(objects: Provenance["objects"], name: string): [string, string][] {
  if (objects === null) return [[name, "not written yet, or not noted by the release that wrote them"]];
  return objects.map(({ output, sopInstanceUid }) => [name, `${output} ${sopInstanceUid}`]);
}

function describeStep({ step, startedAt, endedAt, softwareVersion, parameters }: Provenance["steps"][number]): string {
  return `${step} ${startedAt} to ${endedAt} by Segbox ${softwareVersion}: ${JSON.stringify(parameters)}`;
}

function describeReview({ verdict, by, at, reason }: Review): string {
  return `${verdict} by ${by} ${new Date(at).toISOString()}${reason ? `: ${reason}` : ""}`;
}

function describeInference({ trace, provider, precision, patches, wallMs, peakMemoryBytes, notes }: InferenceRecord): [string, string][] {
  const lines: [string, string][] = [
    ["inference", `${provider} ${precision}, ${patches} patches, ${(wallMs / 1000).toFixed(1)} s, ${Math.round(peakMemoryBytes / 1e6)} MB`],
  ];
  if (trace)
    lines.push(
      ["engine", `${trace.engine}, ${trace.threads} threads, ${trace.cpu}; Segbox ${trace.softwareVersion}`],
      [
        "settings",
        `patch ${trace.patchSize.join("x")} at ${trace.spacingMm.join("x")} mm, step ${trace.stepSize}, mirrored axes: ${trace.mirrorAxes.join(", ") || "none"}`,
      ],
      [
        "timing",
        Object.entries(trace.stepsMs)
          .map(([step, ms]) => `${step} ${ms} ms`)
          .join(", "),
      ],
      ...trace.modelFiles.map(({ file, sha256 }): [string, string] => ["model file", `${file} ${sha256}`]),
      ["label map", trace.labelMapSha256],
    );
  return [...lines, ...notes.map((note): [string, string] => ["note", note])];
}

function describeDelivery({ output, destination, state, attempts, reason, deliveredAt }: Delivery): string {
  const when = deliveredAt === null ? "" : ` ${new Date(deliveredAt).toISOString()}`;
  return `${output} to ${destination}: ${state}${when}, ${attempts} ${attempts === 1 ? "try" : "tries"}${reason ? ` (${reason.message})` : ""}`;
}

function describeReceipt({ output, destination, aeTitle, service, status, comment, at, sopInstanceUid, sha256 }: Receipt): string {
  const said = `${service} ${status.toString(16).toUpperCase().padStart(4, "0")}${comment ? ` (${comment})` : ""}`;
  const digest = sha256 ?? "not noted by the release that sent it";
  return `${output} by ${destination} (${aeTitle}) ${new Date(at).toISOString()}: ${said}, ${sopInstanceUid}, SHA-256 ${digest}`;
}
