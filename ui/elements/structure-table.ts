import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Structure } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { formatHu, formatMl, legible } from "../text/format.ts";

/**
 * The structures of a result.
 *
 * @fires hidden-change detail: ReadonlySet<number>, the values not shown
 * @fires go-to detail: {@link Structure}
 */
@customElement("structure-table")
export class StructureTable extends LitElement {
  @property({ attribute: false }) accessor structures: readonly Structure[] = [];
  @property({ attribute: false }) accessor hiddenValues: ReadonlySet<number> = new Set();

  static override styles = [
    shared,
    css`
      :host { display: block; position: relative; overflow: auto; container-type: inline-size; }
      .head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: var(--gap-2); padding: var(--gap-3) var(--gap-4); }
      .buttons { display: flex; gap: var(--gap-2); }
      table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
      td:last-child button { white-space: nowrap; }
      th { padding: var(--gap-1) var(--gap-2); white-space: nowrap; font-size: var(--text-small); font-weight: 600; color: var(--muted); text-align: left; vertical-align: bottom; }
      td { padding: 0.1rem var(--gap-2); border-top: 1px solid var(--line); }
      th:first-child, td:first-child { padding-left: var(--gap-4); }
      th:last-child, td:last-child { padding-right: var(--gap-4); text-align: right; }
      .number { text-align: right; }
      td.number { white-space: nowrap; }
      .toggle { display: flex; width: 100%; justify-content: flex-start; min-height: 2rem; padding: 0; border: 0; background: none; color: var(--text); font-weight: 500; text-align: left; }
      .toggle:hover { background: none; text-decoration: underline; }
      .toggle[aria-pressed="true"] { background: none; color: var(--text); }
      .toggle[aria-pressed="false"] { color: var(--muted); }
      .swatch { flex: none; width: 1rem; height: 1rem; }
      .cut { margin-left: var(--gap-2); padding: 0 0.35rem; border-radius: var(--round); background: var(--warn-ground); color: var(--warn); font-size: var(--text-small); font-weight: 600; white-space: nowrap; }
      @container (max-width: 24rem) {
        th { white-space: normal; }
        th, td { padding-left: var(--gap-1); padding-right: var(--gap-1); }
        td:last-child button { padding: 0 var(--gap-1); }
        th:first-child, td:first-child { padding-left: var(--gap-3); }
        th:last-child, td:last-child { padding-right: var(--gap-3); }
      }
      .none { padding: 0 var(--gap-4) var(--gap-4); }
      .legend { padding: var(--gap-2) var(--gap-4) var(--gap-3); border-top: 1px solid var(--line); font-size: var(--text-small); color: var(--muted); }
    `,
  ];

  override render() {
    const t = text.series;
    if (this.structures.length === 0)
      return html`<div class="head"><h2>${t.structures}</h2></div>
        <p class="none">${t.noStructures}</p>`;
    return html`
      <div class="head">
        <h2 id="title">${t.structures}</h2>
        <div class="buttons">
          <button class="small" @click=${() => this.#hide([])}>${t.showAll}</button>
          <button class="small" @click=${() => this.#hide(this.structures.map(({ value }) => value))}>${t.hideAll}</button>
        </div>
      </div>
      <table aria-labelledby="title">
        <thead>
          <tr>
            <th scope="col">${t.columns.structure}</th>
            <th scope="col" class="number">${t.columns.volume}</th>
            <th scope="col" class="number">${t.columns.mean}</th>
            <th scope="col"><span class="hidden-text">${t.columns.go}</span></th>
          </tr>
        </thead>
        <tbody>
          ${this.structures.map((structure) => this.#row(structure))}
        </tbody>
      </table>
      ${
        this.structures.some(({ touchesBorder }) => touchesBorder)
          ? html`<p class="legend"><span class="cut">${t.cut}</span> ${t.cutHelp}</p>`
          : ""
      }
    `;
  }

  #row(structure: Structure) {
    const t = text.series;
    const { value, color, volumeMl, meanHu, touchesBorder } = structure;
    const title = legible(structure.title);
    const isShown = !this.hiddenValues.has(value);
    const rgb = `rgb(${color.join(" ")})`;
    return html`
      <tr>
        <td>
          <button
            class="toggle"
            aria-pressed=${isShown}
            aria-label=${t.showStructure(title)}
            @click=${() => this.#toggle(value)}
          >
            <svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">
              <rect x="1" y="1" width="14" height="14" rx="3" stroke-width="2" stroke=${rgb} fill=${isShown ? rgb : "none"} />
            </svg>
            <span>${title}${touchesBorder ? html`<span class="cut" title=${t.cutHelp}>${t.cut}</span>` : ""}</span>
          </button>
        </td>
        <td class="number">${formatMl(volumeMl)}</td>
        <td class="number">${formatHu(meanHu)}</td>
        <td>
          <button class="small" aria-label=${t.goToStructure(title)} @click=${() => this.#goTo(structure)}>${t.goTo}</button>
        </td>
      </tr>
    `;
  }

  #toggle(value: number): void {
    const hidden = new Set(this.hiddenValues);
    if (!hidden.delete(value)) hidden.add(value);
    this.#hide(hidden);
  }

  #hide(values: Iterable<number>): void {
    this.dispatchEvent(new CustomEvent("hidden-change", { detail: new Set(values) }));
  }

  #goTo(structure: Structure): void {
    this.dispatchEvent(new CustomEvent("go-to", { detail: structure }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "structure-table": StructureTable;
  }
}
