import { css, html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { ModelLine } from "../../../appliance/api/models.ts";
import { modelAddress } from "../../address.ts";
import { listModels } from "../../api/models.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { legible } from "../../text/format.ts";
import "../../elements/error-notice.ts";

/** The installed models; each leads to its card. */
@customElement("models-page")
export class ModelsPage extends LitElement {
  @state() private accessor models: readonly ModelLine[] | undefined;
  @state() private accessor error: unknown;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-4); }
      ul { display: grid; gap: var(--gap-4); padding: var(--gap-4); list-style: none; }
      li { display: grid; gap: var(--gap-1); overflow-wrap: anywhere; }
      .bad { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      this.models = await listModels();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.models;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.models ? this.#list(this.models) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #list(models: readonly ModelLine[]) {
    const t = text.models;
    if (models.length === 0) return html`<p class="muted">${t.none}</p>`;
    return html`<section class="panel">
      <ul>
        ${models.map(({ name, version, title, labels, intendedUse, refusal }) =>
          refusal === null
            ? html`<li>
                <a href=${modelAddress(name)}><strong>${legible(title)}</strong></a>
                <span class="muted small">${t.line(legible(name), legible(version), labels)}</span>
                <span>${legible(intendedUse)}</span>
              </li>`
            : html`<li>
                <strong>${legible(name)}</strong>
                <span class="bad">${t.refused} ${legible(refusal)}</span>
              </li>`,
        )}
      </ul>
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "models-page": ModelsPage;
  }
}
