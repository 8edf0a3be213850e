import { RefusedError } from "../base/errors.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { evidenceOf, type FormEvidence } from "../domain/form-evidence.ts";
import { readAccuracy } from "../inference/accuracy-file.ts";
import { readStoredActivation } from "../inference/activation-record.ts";
import { usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import type { Provenance } from "../pipeline/provenance.ts";

type Line = readonly [name: string, value: string];

/**
 * Which forms of the model's networks made a result, and what the model's card and its activation said of each. As it was then, where the result
 * keeps it; else as it is today, and said to be that.
 */
export async function formLines(
  { model, inference }: Pick<Provenance, "model" | "inference">,
  folder: DataFolder,
): Promise<readonly Line[]> {
  const trace = inference?.trace;
  if (!trace?.networks) return [];
  const lines: Line[] = [];
  for (const { part, file, precision, provider, sha256, evidence } of trace.networks) {
    const digest = sha256 ?? trace.modelFiles.find((each) => each.file === file)?.sha256;
    lines.push(["form", `${part}: ${precision} on ${provider} (${file})${digest === undefined ? "" : `, SHA-256 ${digest}`}`]);
    lines.push([
      "card",
      evidence ? `when the result was made: ${words(precision, evidence)}` : await today(model, digest, { precision, provider }, folder),
    ]);
  }
  return lines;
}

/** The card of an installed model of that name and version. */
async function today(
  { name, version }: Provenance["model"],
  sha256: string | undefined,
  { precision, provider }: { readonly precision: string; readonly provider: string },
  folder: DataFolder,
): Promise<string> {
  const notKept = "not kept with the result";
  const { models } = await usableModels([shippedModels, folder.models]);
  const installed = models.get(name);
  if (!installed) return `${notKept}, and ${name} is not installed any more`;
  if (installed.manifest.version !== version) return `${notKept}, and the installed ${name} is version ${installed.manifest.version}`;
  if (sha256 === undefined) return `${notKept}, nor is the file's digest`;
  try {
    const accuracy = await readAccuracy(installed.folder);
    const activation = await readStoredActivation(folder.activation(name));
    return `${notKept}; today's says: ${words(precision, evidenceOf({ sha256 }, provider, accuracy, activation))}`;
  } catch (error) {
    if (error instanceof RefusedError) return `${notKept}; ${error.message}`;
    throw error;
  }
}

function words(precision: string, { gate, activation }: FormEvidence): string {
  return `${gateWords(precision, gate)}; ${activationWords(activation)}`;
}

function gateWords(precision: string, gate: FormEvidence["gate"]): string {
  if (!gate)
    return precision === "fp32" ? "fp32, as it was trained, which the others are judged by" : `no judgement of this ${precision} form`;
  const { outcome, meanDice, worstDice, worstLabel, compared, at } = gate;
  const verdict = { passed: "passed", "kept-fp32": "did not pass", "bench-only": "was never judged" }[outcome];
  return `${precision} ${verdict} against fp32: mean Dice ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel}), ${compared} structures in all CTs, judged ${iso(at)}`;
}

function activationWords(activation: FormEvidence["activation"]): string {
  if (!activation) return "not tried on this box";
  const { outcome, detail, at, agreement } = activation;
  const figures = agreement
    ? `mean Dice ${agreement.meanDice.toFixed(4)}, worst ${agreement.worstDice.toFixed(4)} (${agreement.worstLabel})`
    : detail;
  return `tried on this box ${iso(at)}: ${outcome}, ${figures}`;
}

const iso = (at: number): string => new Date(at).toISOString();
