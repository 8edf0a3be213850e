import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { errorSentence } from "../text/reasons.ts";

/**
 * Something could not be loaded or done: what, why, and a way to try again.
 *
 * @fires retry
 */
@customElement("error-notice")
export class ErrorNotice extends LitElement {
  @property() accessor heading = "";
  @property({ attribute: false }) accessor error: unknown;
  @property({ type: Boolean }) accessor final = false;

  static override styles = [
    shared,
    css`
      :host { display: block; }
      .panel { display: grid; justify-items: start; gap: var(--gap-2); padding: var(--gap-4); border-left: 4px solid var(--bad); }
      strong { color: var(--bad); }
    `,
  ];

  override render() {
    return html`
      <div class="panel" role="alert">
        <strong>${this.heading}</strong>
        <span>${errorSentence(this.error)}</span>
        ${this.final ? nothing : html`<button @click=${() => this.dispatchEvent(new Event("retry"))}>${text.tryAgain}</button>`}
      </div>
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "error-notice": ErrorNotice;
  }
}
