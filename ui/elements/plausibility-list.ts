import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { PlausibilityFlag } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { legible } from "../text/format.ts";

/** What looks wrong in a result, by which rule, and why there is such a rule. */
@customElement("plausibility-list")
export class PlausibilityList extends LitElement {
  @property({ attribute: false }) accessor flags: readonly PlausibilityFlag[] | null = null;

  static override styles = [
    shared,
    css`
      ul { display: grid; gap: var(--gap-2); margin: 0; padding: 0; list-style: none; }
      li { padding-left: var(--gap-3); border-left: 4px solid var(--line-strong); overflow-wrap: anywhere; }
      .warning { border-left-color: var(--warn); }
      summary { cursor: pointer; color: var(--muted); font-size: var(--text-small); }
    `,
  ];

  override render() {
    const t = text.plausibility;
    if (!this.flags) return html`<p class="muted">${t.unknown}</p>`;
    if (this.flags.length === 0) return html`<p class="muted">${t.none}</p>`;
    return html`<ul>
      ${this.flags.map(
        ({ severity, title, message, explanation, source }) => html`<li class=${severity}>
          <strong>${title}</strong>: ${legible(message)}
          <details>
            <summary>${t.why}</summary>
            ${explanation} ${source ?? ""}
          </details>
        </li>`,
      )}
    </ul>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "plausibility-list": PlausibilityList;
  }
}
