import { html, nothing, type TemplateResult } from "lit";
import type { ModelAccuracy } from "../../../appliance/api/models.ts";
import { text } from "../../text/en.ts";
import { formatMoment, legible } from "../../text/format.ts";
import { table } from "./table.ts";

/** How the INT8 forms were judged: verdict, limits, and each structure. */
export function accuracyPanel(accuracy: ModelAccuracy | null): TemplateResult {
  const t = text.models;
  if (!accuracy)
    return html`<section class="panel">
      <h2>${t.int8}</h2>
      <p class="muted">${t.noInt8}</p>
    </section>`;
  const { outcome, reason, limits, calibrationCts, holdoutCts, engine, machine, at, parts } = accuracy;
  return html`<section class="panel">
    <h2>${t.int8}</h2>
    <p class="verdict ${outcome}">${t.verdicts[outcome]}</p>
    <p>${legible(reason, 1000)}</p>
    <p class="muted small">${t.limits(limits)} ${t.judged(calibrationCts, holdoutCts)} ${legible(engine)}, ${legible(machine)}, ${formatMoment(at, Date.now())}.</p>
    ${parts.map((part) => partTable(part, parts.length > 1))}
  </section>`;
}

function partTable({ part, int8Sha256, keptFp32, againstFp32 }: ModelAccuracy["parts"][number], named: boolean): TemplateResult {
  const t = text.models;
  return html`
    ${named ? html`<h3>${legible(part)}</h3>` : nothing}
    <p class="muted small">${t.judgedFile} <code>${int8Sha256}</code>. ${t.keptFp32(keptFp32.length)}</p>
    ${
      againstFp32 === null
        ? html`<p>${t.notCompared}</p>`
        : table(
            t.againstFp32,
            [t.columns.structure, t.columns.cts, t.columns.meanDice, t.columns.worstDice, t.columns.meanVolume, t.columns.largestVolume],
            againstFp32.labels.map(({ name, cases, meanDice, worstDice, meanVolumeDifference, largestVolumeDifferenceMl }) => [
              legible(name),
              `${cases}`,
              meanDice.toFixed(4),
              worstDice.toFixed(4),
              `${(100 * meanVolumeDifference).toFixed(1)} %`,
              `${largestVolumeDifferenceMl.toFixed(1)} ml`,
            ]),
            0,
            1,
          )
    }
  `;
}
