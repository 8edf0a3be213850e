import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Session } from "../../../appliance/api/session.ts";
import { purgeWord, type StorageKept, type StorageOutcome, type StoragePlan, type StorageState } from "../../../appliance/api/storage.ts";
import { seriesAddress } from "../../address.ts";
import { purge, readStorage, runRetention, settleSeries } from "../../api/storage.ts";
import type { SureDialog } from "../../elements/sure-dialog.ts";
import { tables } from "../../styles/lists.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatBytes, formatMoment } from "../../text/format.ts";
import { errorSentence, sentenceOf } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";
import "../../elements/sure-dialog.ts";
import "./files-panel.ts";

/** How long things stay, what goes now, what stays though its time is over; for engineers, and administrators, who may have it deleted. */
@customElement("storage-page")
export class StoragePage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @state() private accessor storage: StorageState | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";
  @state() private accessor isBusy = false;
  @query("sure-dialog") private accessor sure!: SureDialog;

  static override styles = [
    shared,
    tables,
    css`
      :host { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-4); }
      .panel { display: grid; grid-template-columns: minmax(0, 1fr); justify-items: start; gap: var(--gap-3); padding: var(--gap-4); overflow-x: auto; }
      .size { white-space: nowrap; font-variant-numeric: tabular-nums; }
      .fault { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      this.storage = await readStorage();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.storage;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
      ${this.storage ? this.#content(this.storage) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
      <sure-dialog></sure-dialog>
    `;
  }

  #content(storage: StorageState) {
    const t = text.storage;
    const { settings, disk, usual, ordered, traces, files } = storage;
    return html`
      <section class="panel">
        <h2>${t.room}</h2>
        <p>${t.free(formatBytes(disk.freeBytes), formatBytes(disk.totalBytes))} ${t.marks(formatBytes(settings.startFreeBytes), formatBytes(disk.minimumFreeBytes))}</p>
        <p>${t.ages(settings.imageDays, settings.resultDays)}</p>
        <p>${t.never} ${traces > 0 ? t.traces(traces) : nothing}</p>
      </section>
      <section class="panel">
        <h2>${t.due}</h2>
        ${usual.series === 0 ? html`<p class="muted">${t.dueNone}</p>` : this.#due(usual)}
      </section>
      <section class="panel">
        <h2>${t.kept}</h2>
        ${usual.keptSeries === 0 ? html`<p class="muted">${t.keptNone}</p>` : this.#kept(usual)}
      </section>
      <files-panel .files=${files}></files-panel>
      ${this.#isAdmin ? this.#purge(ordered) : nothing}
    `;
  }

  #due({ series, bytes, removals }: StoragePlan) {
    const t = text.storage;
    const { columns } = t;
    return html`
      <p>${t.dueSum(series, formatBytes(bytes))}</p>
      <table>
        <thead><tr>${[columns.series, columns.what, columns.size, columns.since, columns.why].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>
          ${removals.map(
            ({ seriesId, what, cause, since, images, results, bytes }) => html`<tr>
              <td><a href=${seriesAddress(seriesId)}>${t.seriesOne(seriesId)}</a></td>
              <td>${t.what(what, images, results)}</td>
              <td class="size">${formatBytes(bytes)}</td>
              <td>${formatMoment(since, Date.now())}</td>
              <td>${t.causes[cause]}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      ${this.#cut(removals.length, series)}
      ${this.#isAdmin ? html`<button ?disabled=${this.isBusy} @click=${() => this.#run(series, bytes)}>${t.run}</button>` : nothing}
    `;
  }

  #kept({ keptSeries, kept }: StoragePlan) {
    const t = text.storage;
    const { columns } = t;
    return html`
      <table>
        <thead><tr>${[columns.series, columns.size, columns.since, columns.why, columns.actions].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>
          ${kept.map(
            (line) => html`<tr>
              <td><a href=${seriesAddress(line.seriesId)}>${t.seriesOne(line.seriesId)}</a></td>
              <td class="size">${formatBytes(line.bytes)}</td>
              <td>${formatMoment(line.since, Date.now())}</td>
              <td>${sentenceOf(line.reason)}</td>
              <td>
                ${
                  line.canBeSettled
                    ? html`<button class="small" aria-label=${t.settleOne(line.seriesId)} @click=${() => this.#settle(line)}>${t.settle}</button>`
                    : nothing
                }
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
      ${this.#cut(kept.length, keptSeries)}
    `;
  }

  #cut(shown: number, all: number) {
    return shown < all ? html`<p class="muted small">${text.storage.shown(shown)}</p>` : nothing;
  }

  #purge({ series, bytes, keptSeries }: StoragePlan) {
    const t = text.storage;
    return html`<section class="panel">
      <h2>${t.purge}</h2>
      <p>${t.purgeLead(series, formatBytes(bytes), keptSeries)}</p>
      <button ?disabled=${this.isBusy || series === 0} @click=${() => this.#purgeNow(series, bytes)}>${t.purgeButton}</button>
    </section>`;
  }

  get #isAdmin(): boolean {
    return this.session?.user.role === "admin";
  }

  async #run(series: number, bytes: number): Promise<void> {
    const t = text.storage;
    if (await this.sure.ask(t.runSure(series, formatBytes(bytes)), t.run)) await this.#do(async () => sumOf(await runRetention()));
  }

  async #purgeNow(series: number, bytes: number): Promise<void> {
    const t = text.storage;
    const question = t.purgeSure(series, formatBytes(bytes));
    const typed = { label: t.typeToConfirm(purgeWord), word: purgeWord };
    if (await this.sure.ask(question, t.purgeNow, typed)) await this.#do(async () => sumOf(await purge()));
  }

  async #settle({ seriesId, reason }: StorageKept): Promise<void> {
    const t = text.storage;
    if (!(await this.sure.ask(t.settleSure(seriesId, sentenceOf(reason)), t.settle))) return;
    await this.#do(async () => {
      await settleSeries(seriesId);
      return t.settled(seriesId);
    });
  }

  /** @param act gives what is said when it is done */
  async #do(act: () => Promise<string>): Promise<void> {
    [this.fault, this.done, this.isBusy] = ["", "", true];
    try {
      this.done = await act();
    } catch (error) {
      this.fault = `${text.storage.changeFailed} ${errorSentence(error)}`;
    }
    this.isBusy = false;
    await this.refresh();
  }
}

function sumOf({ series, bytes }: StorageOutcome): string {
  return text.storage.ran(series, formatBytes(bytes));
}

declare global {
  interface HTMLElementTagNameMap {
    "storage-page": StoragePage;
  }
}
