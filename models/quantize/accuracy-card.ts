import type { AccuracyRecord, PartAccuracy } from "../../appliance/domain/accuracy.ts";

const [begin, end] = ["<!-- int8: written by segbox model quantize -->", "<!-- /int8 -->"];

/** A model's card with its section on INT8 put in, or put in anew where it has one. */
export function withAccuracySection(card: string, record: AccuracyRecord): string {
  const section = `${begin}\n${sectionOf(record)}${end}\n`;
  const [from, to] = [card.indexOf(begin), card.indexOf(end)];
  if (from >= 0 && to > from) return card.slice(0, from) + section + card.slice(to + end.length + 1);
  return `${card.trimEnd()}\n\n${section}`;
}

function sectionOf(record: AccuracyRecord): string {
  const { outcome, reason, limits, calibration, holdout, engine, machine, parts } = record;
  const verdict = {
    passed: "INT8 is used.",
    "kept-fp32": "**INT8 did not reach the limits; the model stays fp32.**",
    "bench-only": "**BENCH ONLY. Nobody judged the INT8 form; it is there to measure time and is barred from making results.**",
  }[outcome];
  return `## INT8

${verdict} ${reason}.

Limits: mean Dice ${limits.meanDice}, worst ${limits.worstDice}, over all structures above ${limits.overMl} ml of every held-out CT, against the fp32 labels. Ranges
from ${calibration.patches} patches of ${calibration.cts.length} CTs, judged on ${holdout.cts.length} others, whole, as the box runs them. ${engine}, ${machine}.
${parts.map((part) => partSection(part, parts.length > 1)).join("")}`;
}

function partSection(part: PartAccuracy, named: boolean): string {
  const { againstFp32, againstHuman, keptFp32, layers, rounds } = part;
  const noisiest = layers.toSorted((a, b) => a.sqnrDb - b.sqnrDb)[0];
  const kept =
    keptFp32.length > 0
      ? `${keptFp32.length} layers stay fp32 after ${rounds} rounds: ${keptFp32.join(", ")}`
      : "Every layer but the first convolution and the head is INT8";
  const lines = [
    named ? `\n### ${part.part}\n` : "",
    `${kept}. Noisiest layer: ${noisiest?.layer ?? "none"}, ${noisiest?.sqnrDb ?? "no"} dB below its signal.`,
  ];
  if (againstFp32) {
    lines.push(
      `Mean Dice over everything that occurs, however small: ${againstFp32.meanDiceOfAll.toFixed(4)}.`,
      "",
      "| INT8 against fp32 | CTs | mean Dice | worst | volume, mean difference | largest |",
      "| --- | --- | --- | --- | --- | --- |",
      ...againstFp32.labels.map(
        (label) =>
          `| ${label.name} | ${label.cases} | ${label.meanDice.toFixed(4)} | ${label.worstDice.toFixed(4)} | ${(label.meanVolumeDifference * 100).toFixed(1)} % | ${label.largestVolumeDifferenceMl.toFixed(1)} ml |`,
      ),
    );
  }
  if (againstHuman) {
    lines.push(
      "",
      "| against a person | CTs | fp32 mean | fp32 worst | INT8 mean | INT8 worst |",
      "| --- | --- | --- | --- | --- | --- |",
      ...againstHuman.map(
        ({ name, cases, fp32, int8 }) =>
          `| ${name} | ${cases} | ${fp32.meanDice.toFixed(4)} | ${fp32.worstDice.toFixed(4)} | ${int8.meanDice.toFixed(4)} | ${int8.worstDice.toFixed(4)} |`,
      ),
    );
  }
  return `${lines.filter((line, n) => n > 0 || line !== "").join("\n")}\n`;
}
