import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { paths } from "../../../appliance/api/paths.ts";
import { ApiError } from "../../api/client.ts";
import { eraseStudy } from "../../api/storage.ts";
import type { SureDialog } from "../../elements/sure-dialog.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { errorSentence, sentenceOf } from "../../text/reasons.ts";
import "../../elements/sure-dialog.ts";

/**
 * A copy of all that is here of a study, and its erasure; for administrators.
 *
 * @fires erased
 */
@customElement("study-panel")
export class StudyPanel extends LitElement {
  @property() accessor studyUid = "";
  @state() private accessor fault = "";
  @state() private accessor isBusy = false;
  @query("sure-dialog") private accessor sure!: SureDialog;

  static override styles = [
    shared,
    css`
      .panel { display: grid; gap: var(--gap-3); padding: var(--gap-4); }
      .buttons { display: flex; flex-wrap: wrap; gap: var(--gap-2); }
      .fault { color: var(--bad); }
    `,
  ];

  override render() {
    const t = text.study;
    return html`<section class="panel">
      <h2>${t.title}</h2>
      <p class="muted">${t.lead}</p>
      <div class="buttons">
        <a class="button" href=${paths.exportStudy(this.studyUid)} download>${t.export}</a>
        <button ?disabled=${this.isBusy} @click=${this.#erase}>${t.erase}</button>
      </div>
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      <sure-dialog></sure-dialog>
    </section>`;
  }

  async #erase(): Promise<void> {
    const t = text.study;
    const typed = { label: text.storage.typeToConfirm(t.eraseWord), word: t.eraseWord };
    if (!(await this.sure.ask(t.eraseSure, t.eraseNow, typed))) return;
    [this.fault, this.isBusy] = ["", true];
    try {
      await this.#eraseAsAsked();
    } catch (error) {
      this.fault = `${t.failed} ${errorSentence(error)}`;
    }
    this.isBusy = false;
  }

  async #eraseAsAsked(): Promise<void> {
    const t = text.study;
    try {
      await eraseStudy(this.studyUid, false);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "study-not-settled") throw error;
      if (!(await this.sure.ask(t.forceSure(sentenceOf(error)), t.eraseNow))) return;
      await eraseStudy(this.studyUid, true);
    }
    this.dispatchEvent(new Event("erased"));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "study-panel": StudyPanel;
  }
}
