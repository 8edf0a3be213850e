import { type Block, parseMarkdown, type Span } from "../api/markdown.ts";
import type { ModelAccuracy, ModelActivation, ModelBenchmark, ModelCard } from "../api/models.ts";
import { type Column, Paper, type Run } from "../report/paper.ts";
import { readFonts } from "./report-parts.ts";

/** Longer texts of makers are cut, and the document says so: it is laid out where requests are answered. */
const mostLetters = 32 * 1024;

const banner = "Not a medical device. Not for diagnosis.";

const verdicts: Readonly<Record<ModelAccuracy["outcome"], string>> = {
  passed: "Passed: INT8 is used.",
  "kept-fp32": "Not passed: INT8 is barred, the model stays fp32.",
  "bench-only": "Not judged: INT8 is there to measure time, and barred from making results.",
};

/**
 * A model's card as a document: what it is for, which form of it makes results, how the INT8 form was judged, what it takes here, its files, its
 * structures, and what its makers say it can and can't do. PDF; the same card at the same time gives the same bytes.
 *
 * @param createdAt UTC ms
 */
export async function writeModelCardPdf(
  card: ModelCard,
  { softwareVersion, createdAt }: { readonly softwareVersion: string; readonly createdAt: number },
): Promise<Uint8Array> {
  const fonts = await readFonts();
  const paper = new Paper({ title: card.title, banner, software: `Segbox ${softwareVersion}`, createdAt, fonts });
  paper.heading(card.title, 17);
  paper.lines(aboutLines(card, createdAt), 1);
  for (const note of card.notes) paper.paragraph([{ text: `Note: ${note}`, bold: true }]);
  addForms(paper, card);
  addAccuracy(paper, card.accuracy);
  addMachine(paper, card);
  addStructures(paper, card);
  addText(paper, card.card);
  return await paper.end();
}

function aboutLines(
  { name, version, algorithm, intendedUse, notFor, licence, trainingData, manifestSha256 }: ModelCard,
  createdAt: number,
) {
  return [
    { name: "Model", value: `${name}, version ${version}` },
    { name: "Algorithm", value: `${algorithm.name} ${algorithm.version}` },
    { name: "Meant for", value: intendedUse },
    { name: "Not for", value: notFor },
    { name: "Licence", value: licence },
    ...trainingData.map(({ name, licence, use, cases }) => ({ name: "Trained on", value: `${name} (${cases} cases; ${licence}): ${use}` })),
    { name: "Manifest, SHA-256", value: manifestSha256 },
    { name: "Card as of", value: moment(createdAt) },
  ];
}

function addForms(paper: Paper, { forms, used }: ModelCard): void {
  paper.heading("Which form makes results", 11);
  for (const { part, file, precision, provider } of used) {
    const thin = precision === "int8" ? "; fp32 for a CT that fills less than half of its patch along an axis" : "";
    paper.paragraph([{ text: `${part}: ` }, { text: `${precision} on ${provider}`, bold: true }, { text: ` (${file})${thin}.` }]);
  }
  if (used.length === 0) paper.paragraph([{ text: "No form of its networks may be run on this machine.", bold: true }]);
  paper.lines(
    forms.flatMap(({ file, precision, barred, sizeBytes, sha256 }) => [
      { name: file, value: `${precision}, ${(sizeBytes / 1e6).toFixed(2)} MB${barred === null ? "" : `, barred: ${barred}`}` },
      { name: "", value: `SHA-256 ${sha256}` },
    ]),
    1,
  );
}

const perLabel: readonly Column[] = [
  { title: "Structure", share: 150 },
  { title: "CTs", share: 40, align: "right" },
  { title: "Mean Dice", share: 70, align: "right" },
  { title: "Worst Dice", share: 70, align: "right" },
  { title: "Volume, mean difference", share: 95, align: "right" },
  { title: "Largest", share: 85, align: "right" },
];

function addAccuracy(paper: Paper, accuracy: ModelAccuracy | null): void {
  paper.heading("INT8 against fp32", 11);
  if (!accuracy) {
    paper.paragraph([{ text: "No INT8 form was judged: the model runs as it was trained, in fp32." }]);
    return;
  }
  const { outcome, reason, limits, calibrationCts, holdoutCts, engine, machine, at, parts } = accuracy;
  paper.paragraph([{ text: verdicts[outcome], bold: true }, { text: ` ${reason}` }]);
  paper.lines(
    [
      { name: "Limits", value: `mean Dice ${limits.meanDice}, worst ${limits.worstDice}, over every structure above ${limits.overMl} ml` },
      { name: "Judged", value: `made with ${calibrationCts} CTs, judged on ${holdoutCts} others; ${engine}, ${machine}, ${moment(at)}` },
    ],
    1,
  );
  for (const { part, int8Sha256, keptFp32, againstFp32 } of parts) {
    paper.lines(
      [
        { name: `Part ${part}`, value: againstFp32 ? gateFigures(againstFp32) : "was not compared with fp32" },
        { name: "Layers in fp32", value: keptFp32.length === 0 ? "only first and last" : `first, last, ${keptFp32.join(", ")}` },
        { name: "Judged file", value: `SHA-256 ${int8Sha256}` },
      ],
      1,
    );
    if (!againstFp32) continue;
    paper.table(
      perLabel,
      againstFp32.labels.map(({ name, cases, meanDice, worstDice, meanVolumeDifference, largestVolumeDifferenceMl }) => ({
        cells: [
          name,
          `${cases}`,
          meanDice.toFixed(4),
          worstDice.toFixed(4),
          `${(100 * meanVolumeDifference).toFixed(1)} %`,
          `${largestVolumeDifferenceMl.toFixed(1)} ml`,
        ],
      })),
    );
  }
}

/** `mean Dice 0.9943, worst 0.9775 (larynx)`. */
function gateFigures({ meanDice, worstDice, worstLabel }: NonNullable<ModelAccuracy["parts"][number]["againstFp32"]>): string {
  return `mean Dice ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel})`;
}

function addMachine(paper: Paper, { activation, benchmark }: ModelCard): void {
  paper.heading("On this box", 11);
  if (activation) addActivation(paper, activation);
  else paper.paragraph([{ text: "The model was not tried here: segbox model activate finds out what runs it best." }]);
  paper.paragraph([{ text: benchmark ? speed(benchmark) : "Nobody measured yet how long a whole job takes: segbox model bench does." }]);
}

function addActivation(paper: Paper, { machine, engine, at, trials }: ModelActivation): void {
  paper.paragraph([{ text: `Tried on ${machine}, with ${engine}, ${moment(at)}.` }]);
  paper.table(
    [
      { title: "File", share: 130 },
      { title: "Precision", share: 60 },
      { title: "Provider", share: 60 },
      { title: "Outcome", share: 60 },
      { title: "What was found", share: 200 },
    ],
    trials.map(({ file, precision, provider, outcome, detail }) => ({ cells: [file, precision, provider, outcome, detail] })),
  );
}

function speed({ patches, patchMs, jobMs, precision, provider, peakMemoryBytes, machine, at }: ModelBenchmark): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return `A whole job took ${seconds(jobMs)}: ${patches} patches of ${seconds(patchMs)}, at most ${(peakMemoryBytes / 1e6).toFixed(0)} MB of memory; ${precision} on ${provider}, ${machine}, ${moment(at)}.`;
}

function addStructures(paper: Paper, { labels }: ModelCard): void {
  paper.heading(`Structures (${labels.length})`, 11);
  paper.table(
    [
      { title: "Structure", share: 170 },
      { title: "Value", share: 40, align: "right" },
      { title: "Name", share: 110 },
      { title: "Code", share: 190 },
    ],
    labels.map(({ value, title, name, color, code, modifiers }) => ({
      color,
      cells: [title, `${value}`, name, [`${code.value} ${code.scheme} ${code.meaning}`, ...modifiers].join(", ")],
    })),
  );
}

/** card.md, which somebody else may have written: text, whatever it says. */
function addText(paper: Paper, text: string | null): void {
  if (text === null) return;
  paper.heading("What its makers say", 13);
  for (const block of parseMarkdown(text.slice(0, mostLetters))) addBlock(paper, block);
  if (text.length > mostLetters) paper.paragraph([{ text: "The text goes on; card.md in the model's folder has all of it.", bold: true }]);
}

function addBlock(paper: Paper, block: Block): void {
  switch (block.kind) {
    case "heading":
      paper.heading(plain(block.spans), 11);
      break;
    case "paragraph":
      paper.paragraph(block.spans.map(runOf));
      break;
    case "list":
      paper.list(block.items.map((item) => item.map(runOf)));
      break;
    case "table": {
      const [head, ...rows] = [block.head, ...block.rows].map((row) => row.map(plain));
      // As wide as what is in them, within reason.
      const longest = head!.map((_, at) => Math.max(...[head!, ...rows].map((row) => row[at]?.length ?? 0)));
      const columns = head!.map((title, at): Column => ({ title, share: Math.min(Math.max(longest[at]!, 9), 40) }));
      paper.table(
        columns,
        rows.map((cells) => ({ cells })),
      );
      break;
    }
    default:
      block satisfies never;
  }
}

const runOf = ({ kind, text }: Span): Run => ({ text, bold: kind === "strong" });
const plain = (spans: readonly Span[]): string => spans.map(({ text }) => text).join("");
const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
