import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { PlausibilityFlag, PlausibilityRule } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { legible } from "../text/format.ts";

/** What looks wrong in a result, by which rule, and why there is such a rule; all the rules that were asked. */
@customElement("plausibility-list")
export class PlausibilityList extends LitElement {
  @property({ attribute: false }) accessor flags: readonly PlausibilityFlag[] | null = null;
  @property({ attribute: false }) accessor rules: readonly PlausibilityRule[] = [];

  static override styles = [
    shared,
    css`
      ul { display: grid; gap: var(--gap-2); margin: 0; padding: 0; list-style: none; }
      li { padding-left: var(--gap-3); border-left: 4px solid var(--line-strong); overflow-wrap: anywhere; }
      .warning { border-left-color: var(--warn); }
      .rules { margin-top: var(--gap-3); }
      dl { display: grid; gap: var(--gap-1); margin: var(--gap-2) 0 0; font-size: var(--text-small); }
      dt { font-weight: 600; }
      dd { margin: 0 0 var(--gap-2); color: var(--muted); }
      summary { cursor: pointer; color: var(--muted); font-size: var(--text-small); }
    `,
  ];

  override render() {
    const t = text.plausibility;
    if (!this.flags) return html`<p class="muted">${t.unknown}</p>`;
    return html`
      ${this.flags.length === 0 ? html`<p class="muted">${t.none}</p>` : html`<ul>${this.flags.map((flag) => this.#flag(flag))}</ul>`}
      <details class="rules">
        <summary>${t.rules(this.rules.length)}</summary>
        <dl>${this.rules.map(({ title, explanation }) => html`<dt>${title}</dt><dd>${explanation}</dd>`)}</dl>
      </details>
    `;
  }

  #flag({ severity, title, message, explanation, source }: PlausibilityFlag) {
    return html`<li class=${severity}>
      <strong>${title}</strong>: ${legible(message)}
      <details>
        <summary>${text.plausibility.why}</summary>
        ${explanation} ${source ?? ""}
      </details>
    </li>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "plausibility-list": PlausibilityList;
  }
}
