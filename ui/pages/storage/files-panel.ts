import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { FileCheck } from "../../../appliance/api/storage.ts";
import { seriesAddress } from "../../address.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";

/** What the check of files at the last start has found. */
@customElement("files-panel")
export class FilesPanel extends LitElement {
  /** Null while it runs. */
  @property({ attribute: false }) accessor files: FileCheck | null = null;

  static override styles = [
    shared,
    css`
      .panel { display: grid; gap: var(--gap-3); padding: var(--gap-4); }
      .bad { color: var(--bad); }
    `,
  ];

  override render() {
    const t = text.storage;
    return html`<section class="panel">
      <h2>${t.files}</h2>
      ${this.files ? this.#found(this.files) : html`<p class="muted">${t.filesRunning}</p>`}
    </section>`;
  }

  #found({ files, adopted, quarantined, missing, damagedResults }: FileCheck) {
    const t = text.storage;
    const isClean = adopted + quarantined + missing.length + damagedResults.length === 0;
    return html`
      ${isClean ? html`<p class="muted">${t.filesClean(files)}</p>` : nothing} ${adopted > 0 ? html`<p>${t.adopted(adopted)}</p>` : nothing}
      ${quarantined > 0 ? html`<p>${t.quarantined(quarantined)}</p>` : nothing}
      ${missing.map(
        ({ seriesId, images }) =>
          html`<p class="bad"><a href=${seriesAddress(seriesId)}>${t.seriesOne(seriesId)}</a>: ${t.missing(images)}</p>`,
      )}
      ${damagedResults.map(
        ({ resultId, seriesId, files }) =>
          html`<p class="bad"><a href=${seriesAddress(seriesId)}>${t.seriesOne(seriesId)}</a>: ${t.damagedResult(resultId, files)}</p>`,
      )}
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "files-panel": FilesPanel;
  }
}
