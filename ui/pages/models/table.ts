import { html, type TemplateResult } from "lit";

type Cell = string | TemplateResult | readonly unknown[];

/**
 * A table that scrolls sideways by itself where it is too wide, by keys too.
 *
 * @param label what it shows, for who does not see it
 * @param numbersFrom columns from this one on are numbers; none if left out
 * @param headAt the column that names the row
 */
export function table(
  label: string,
  head: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  headAt = 0,
  numbersFrom = Number.POSITIVE_INFINITY,
): TemplateResult {
  const kind = (column: number): string => (column >= numbersFrom ? "number" : "");
  return html`<div class="wide" role="region" tabindex="0" aria-label=${label}>
    <table>
      <thead>
        <tr>${head.map((cell, column) => html`<th scope="col" class=${kind(column)}>${cell}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr>
            ${row.map((cell, column) => html`<td class=${kind(column)} role=${column === headAt ? "rowheader" : "cell"}>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
