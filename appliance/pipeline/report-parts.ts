import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { MeasuredStructure } from "../dicom/measurement-group.ts";
import type { ModelManifest } from "../domain/model.ts";
import { checkPlausibility, plausibilityRules } from "../domain/plausibility.ts";
import type { StructureMeasure } from "../domain/result.ts";
import type { Fonts } from "../report/lettering.ts";
import type { ReportLine } from "../report/paper.ts";
import type { ReportStructure } from "../report/structure.ts";
import type { EncodeRequest } from "./child-requests.ts";

/** What the SR says of each structure. */
export function measuredStructures(structures: readonly StructureMeasure[], { labels }: ModelManifest): MeasuredStructure[] {
  const flagsOf = flagsByLabel(structures, labels);
  return structures.map((structure) => ({ ...structure, flags: flagsOf(structure.value) }));
}

/** What picture and PDF say of each structure. */
export function reportStructures(structures: readonly StructureMeasure[], { labels }: ModelManifest): ReportStructure[] {
  const flagsOf = flagsByLabel(structures, labels);
  return structures.map(({ value, volumeMl, meanHu, touchesBorder }) => {
    const label = labels.find((each) => each.value === value);
    return {
      value,
      title: label?.title ?? `Label ${value}`,
      color: label?.color ?? [200, 200, 200],
      volumeMl,
      meanHu,
      isTruncated: touchesBorder,
      flags: flagsOf(value).map(({ meaning }) => meaning),
    };
  });
}

/** The plausibility rules that a structure does not meet; that it is cut off is said by a mark of its own everywhere. */
function flagsByLabel(structures: readonly StructureMeasure[], labels: ModelManifest["labels"]) {
  const flags = checkPlausibility(structures, labels).filter(({ code }) => code !== "truncated");
  return (value: number) =>
    flags.filter(({ label }) => label === value).map(({ code }) => ({ code, meaning: plausibilityRules[code].title }));
}

/** Whom and what a report is about, as the source says it; what it lacks has no line. */
export function identityLines({ subject }: EncodeRequest): ReportLine[] {
  const lines: readonly ReportLine[] = [
    { name: "Patient", value: subject.patientName.replaceAll("^", " ").trim() },
    { name: "Patient ID", value: subject.patientId },
    { name: "Date of birth", value: dateText(subject.patientBirthDate) },
    { name: "Accession number", value: subject.accessionNumber },
    { name: "Study", value: [dateText(subject.studyDate), subject.studyDescription].filter(Boolean).join(", ") },
    { name: "Series", value: subject.seriesDescription },
  ];
  return lines.filter(({ value }) => value !== "");
}

/** How the result came about. */
export function provenanceLines(
  { record, device, making }: Pick<EncodeRequest, "record" | "device" | "making">,
  { name, version, title }: ModelManifest,
): ReportLine[] {
  const { trace } = record ?? {};
  return [
    { name: "Model", value: `${title} (${name} ${version})` },
    { name: "Software", value: `${device.modelName} ${device.softwareVersions.join(", ")}` },
    ...(record ? [{ name: "Engine", value: [trace?.engine, record.provider, record.precision].filter(Boolean).join(", ") }] : []),
    ...(trace ? trace.modelFiles.map(({ file, sha256 }) => ({ name: basename(file), value: `SHA-256 ${sha256}` })) : []),
    { name: "Images", value: `${making.inputs.length}, SHA-256 of their digests ${making.inputsSha256}` },
    ...(trace ? [{ name: "Label map", value: `SHA-256 ${trace.labelMapSha256}` }] : []),
    ...(record?.notes ?? []).map((value) => ({ name: "Note", value })),
  ];
}

/** What the plausibility rules say of structures that were not found, which have no line of their own among the structures. */
export function missingChecks(structures: readonly StructureMeasure[], { labels }: ModelManifest): string[] {
  return checkPlausibility(structures, labels)
    .filter(({ label }) => !structures.some(({ value }) => value === label))
    .map(({ message }) => message);
}

/** `2026-01-31` of a DICOM date; as it came where it is none. */
function dateText(date: string): string {
  return date.replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
}

/** The fonts that pictures and reports are lettered with. */
export async function readFonts(): Promise<Fonts> {
  const read = (name: string) => readFile(fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)));
  const [regular, bold] = await Promise.all([read("DejaVuSansCondensed"), read("DejaVuSansCondensed-Bold")]);
  return { regular, bold };
}
