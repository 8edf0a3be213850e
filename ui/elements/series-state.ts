import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { SeriesSummary } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { stateLinesOf } from "../text/series-states.ts";

/** How far a series has come, with a bar while it is segmented. */
@customElement("series-state")
export class SeriesState extends LitElement {
  @property({ attribute: false }) accessor series: SeriesSummary | undefined;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-1); justify-items: start; }
      .line { display: inline-flex; align-items: baseline; gap: var(--gap-2); padding: 0.1rem var(--gap-2); border-radius: var(--round); font-size: var(--text-small); font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
      .line::before { content: ""; flex: none; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: currentcolor; }
      .quiet { background: var(--quiet-ground); color: var(--muted); }
      .quiet::before { background: none; border: 2px solid currentcolor; }
      .busy { background: var(--busy-ground); color: var(--busy); }
      .good { background: var(--good-ground); color: var(--good); }
      .warn { background: var(--warn-ground); color: var(--warn); }
      .warn::before, .bad::before { border-radius: 0; transform: rotate(45deg); }
      .bad { background: var(--bad-ground); color: var(--bad); }
      progress { width: min(12rem, 100%); height: 0.375rem; appearance: none; border: 0; border-radius: 1rem; overflow: hidden; background: var(--line); color: var(--busy); }
      progress::-webkit-progress-bar { background: var(--line); }
      progress::-webkit-progress-value { background: var(--busy); }
      progress::-moz-progress-bar { background: var(--busy); }
    `,
  ];

  override render() {
    if (!this.series) return nothing;
    return stateLinesOf(this.series).map(
      ({ tone, text, progress }) => html`
        <span class="line ${tone}">${text}</span>
        ${progress === null ? nothing : html`<progress max="1" .value=${progress} aria-label=${text}></progress>`}
      `,
    );
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "series-state": SeriesState;
  }
}
