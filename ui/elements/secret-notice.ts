import { css, html, LitElement } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";

/** A secret that is shown once, with a way to copy it. */
@customElement("secret-notice")
export class SecretNotice extends LitElement {
  @property() accessor heading = "";
  @property() accessor secret = "";
  @property() accessor help = "";
  @state() private accessor isCopied = false;

  static override styles = [
    shared,
    css`
      .panel { display: grid; justify-items: start; gap: var(--gap-2); padding: var(--gap-4); border-left: 4px solid var(--good); }
      code { font-size: var(--text-large); overflow-wrap: anywhere; user-select: all; white-space: pre-wrap; }
    `,
  ];

  override render() {
    return html`<div class="panel" role="status">
      <strong>${this.heading}</strong>
      <code>${this.secret}</code>
      <span>${this.help}</span>
      ${/* only pages over TLS may write to the clipboard */ isSecureContext ? html`<button class="small" @click=${this.#copy}>${this.isCopied ? text.users.copied : text.users.copy}</button>` : ""}
    </div>`;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("secret")) this.isCopied = false;
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.secret);
      this.isCopied = true;
    } catch {
      this.isCopied = false; // not allowed by the browser: it can be selected and copied by hand
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "secret-notice": SecretNotice;
  }
}
