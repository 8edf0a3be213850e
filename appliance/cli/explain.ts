import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { Delivery, InferenceRecord } from "../domain/result.ts";
import { type Provenance, readProvenance, resultOfUid } from "../pipeline/provenance.ts";
import { openExistingDatabase } from "../store/database.ts";
import { type Command, required, UsageError } from "./command.ts";

export const explain: Command = {
  words: ["explain"],
  summary: "tell how a result came about",
  help: `
segbox explain UID --data DIR [--json]

Tells of a result, named by the SOP or Series Instance UID of one of its objects: which images it was made from, by which rule, model, engine and
settings, how long each step took, and where its objects went.

  --data DIR  the service's data folder
  --json      the whole record as JSON, every input's digest included
`,
  options: { data: { type: "string" }, json: { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const [uid] = args.positionals;
    if (uid === undefined) throw new UsageError("UID is required: a SOP or Series Instance UID of the result");
    const database = await openExistingDatabase(dataFolder(required(args, "data")).database, systemClock.now());
    try {
      const provenance = readProvenance(database, resultOfUid(database, uid));
      process.stdout.write(args.values.json ? `${JSON.stringify(provenance, null, 2)}\n` : describe(provenance));
      return 0;
    } finally {
      database.close();
    }
  },
};

function describe({ rule, model, series, inputs, inference, deliveries, ...result }: Provenance): string {
  const lines: [string, string][] = [
    ["result", `${result.resultId}, ${result.state}${result.reason ? `: ${result.reason.message}` : ""}, planned ${result.createdAt}`],
    ["study", series.studyInstanceUid],
    ["series", `${series.seriesInstanceUid}, sent by ${series.callingAeTitle}`],
    ["images", `${inputs.length}${result.inputsAreThoseOfTheResult ? "" : " now; the result was made from others"}`],
    ["rule", `${rule.name}: ${rule.outputs.join(", ")}`],
    ["model", `${model.name} ${model.version}`],
    ...Object.entries(result.uids).map(([output, uids]): [string, string] => [output, uids.sopInstanceUid]),
    ...(result.predecessor ? [["replaces", Object.values(result.predecessor)[0]?.sopInstanceUid ?? ""] as [string, string]] : []),
    ...(inference ? describeInference(inference) : []),
    ...deliveries.map((delivery): [string, string] => ["delivery", describeDelivery(delivery)]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
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
        "steps",
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
