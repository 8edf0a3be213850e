import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { SeriesSummary } from "../../appliance/api/series.ts";
import { seriesAddress } from "../address.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { formatDicomDate, formatMoment, formatPersonName, legible } from "../text/format.ts";
import "./series-state.ts";

/** Series as rows, each a link to its page; cards one below the other where the window is narrow. */
@customElement("series-table")
export class SeriesTable extends LitElement {
  @property({ attribute: false }) accessor series: readonly SeriesSummary[] = [];

  static override styles = [
    shared,
    css`
      :host { display: block; container-type: inline-size; }
      table { width: 100%; border-collapse: collapse; }
      th { padding: var(--gap-2) var(--gap-3); font-size: var(--text-small); font-weight: 600; color: var(--muted); text-align: left; white-space: nowrap; }
      td { padding: var(--gap-2) var(--gap-3); border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
      th:first-child, td:first-child { padding-left: var(--gap-4); }
      .number { text-align: right; font-variant-numeric: tabular-nums; }
      td.number, td.date { white-space: nowrap; }
      tbody tr { position: relative; }
      tbody tr:hover { background: var(--surface-raised); }
      a { color: var(--text); font-weight: 600; text-decoration: none; }
      a::after { content: ""; position: absolute; inset: 0; } /* the whole row is the link */
      a:hover { color: var(--accent); }
      a:focus-visible { outline: none; }
      a:focus-visible::after { outline: 2px solid var(--focus); outline-offset: -2px; }
      .second { display: block; font-size: var(--text-small); color: var(--muted); }
      .patient { min-width: 9rem; }
      .state { width: 36%; }
      @container (max-width: 44rem) {
        thead { position: absolute; clip-path: inset(50%); }
        table, tbody, tr, td { display: block; }
        tr { display: grid; grid-template-columns: 1fr auto; gap: 0 var(--gap-3); padding: var(--gap-3) var(--gap-4); border-top: 1px solid var(--line); }
        td, td:first-child { padding: 0.1rem 0; border: 0; width: auto; }
        .patient, .description, .state { grid-column: 1 / -1; }
        .state { width: auto; padding-top: var(--gap-1); }
        .from { grid-column: 1 / -1; font-size: var(--text-small); color: var(--muted); }
        .from::before { content: attr(data-name) " "; }
        .images::after { content: " " attr(data-name); text-transform: lowercase; }
        .number { text-align: right; font-size: var(--text-small); color: var(--muted); }
      }
    `,
  ];

  override render() {
    const t = text.worklist.columns;
    // the roles say again what the elements are: shown as cards they would lose it
    return html`
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">${t.patient}</th>
            <th role="columnheader" scope="col">${t.description}</th>
            <th role="columnheader" scope="col">${t.date}</th>
            <th role="columnheader" scope="col" class="number">${t.images}</th>
            <th role="columnheader" scope="col">${t.from}</th>
            <th role="columnheader" scope="col">${t.state}</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${repeat(
            this.series,
            ({ id }) => id,
            (series) => this.#row(series),
          )}
        </tbody>
      </table>
    `;
  }

  #row(series: SeriesSummary) {
    const t = text.worklist;
    const { id, patientName, patientId, studyDescription, seriesDescription, studyDate, lastReceivedAt } = series;
    return html`
      <tr role="row" data-series=${id}>
        <td role="cell" class="patient">
          <a href=${seriesAddress(id)}><bdi>${formatPersonName(patientName) || t.noName}</bdi></a>
          ${patientId ? html`<bdi class="second">${legible(patientId)}</bdi>` : nothing}
        </td>
        <td role="cell" class="description">
          <bdi>${legible(studyDescription || seriesDescription) || t.noDescription}</bdi>
          ${studyDescription && seriesDescription ? html`<bdi class="second">${legible(seriesDescription)}</bdi>` : nothing}
        </td>
        <td role="cell" class="date">
          ${formatDicomDate(studyDate)}
          <span class="second">${t.received(formatMoment(lastReceivedAt, Date.now()))}</span>
        </td>
        <td role="cell" class="number images" data-name=${t.columns.images}>${series.instanceCount}</td>
        <td role="cell" class="from" data-name=${t.columns.from}><bdi>${legible(series.callingAeTitle)}</bdi></td>
        <td role="cell" class="state"><series-state .series=${series}></series-state></td>
      </tr>
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "series-table": SeriesTable;
  }
}
