import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Device } from "../../../appliance/api/device.ts";
import type { LiveEvent } from "../../../appliance/api/events.ts";
import type { SeriesSummary } from "../../../appliance/api/series.ts";
import { applyEvent, listSeries, pageSize } from "../../api/series.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import "../../elements/error-notice.ts";
import "../../elements/series-table.ts";

/** What arrived and what became of it, newest first. The shell hands it live events and asks it to fetch again after an interruption. */
@customElement("worklist-page")
export class WorklistPage extends LitElement {
  @property({ attribute: false }) accessor device: Device | undefined;
  @state() private accessor list: readonly SeriesSummary[] | undefined;
  @state() private accessor error: unknown;
  @state() private accessor hasOlder = false;
  @state() private accessor isLoadingOlder = false;
  /** Events that came while the list was on its way: it may be older than they are. */
  #early: LiveEvent[] | undefined;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-4); }
      .title { display: flex; flex-wrap: wrap; align-items: baseline; gap: var(--gap-1) var(--gap-4); }
      .panel { overflow: hidden; }
      .empty { display: grid; gap: var(--gap-2); justify-items: center; padding: var(--gap-8) var(--gap-4); text-align: center; }
      .empty p { max-width: 40rem; }
      .older { display: grid; justify-items: center; padding: var(--gap-3); border-top: 1px solid var(--line); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  /** Fetches the newest again. */
  async refresh(): Promise<void> {
    this.#early = [];
    try {
      const newest = await listSeries();
      this.error = undefined;
      this.hasOlder = newest.length === pageSize;
      this.list = this.#early.reduce((list: readonly SeriesSummary[], event) => applyEvent(list, event, this.hasOlder), newest);
    } catch (error) {
      this.error = error;
    } finally {
      this.#early = undefined;
    }
  }

  onEvent(event: LiveEvent): void {
    this.#early?.push(event);
    if (this.list) this.list = applyEvent(this.list, event, this.hasOlder);
  }

  override render() {
    const t = text.worklist;
    return html`
      <div class="title">
        <h1>${t.title}</h1>
        ${this.list ? html`<span class="muted small">${t.count(this.list.length, this.hasOlder)}</span>` : nothing}
      </div>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.#content()}
    `;
  }

  #content() {
    const t = text.worklist;
    if (!this.list) return this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`;
    if (this.list.length === 0)
      return html`<div class="panel empty">
        <h2>${t.emptyTitle}</h2>
        <p>${this.device ? t.empty(this.device.aeTitle, this.device.dicomPort, location.hostname) : t.emptyPlain}</p>
      </div>`;
    return html`
      <div class="panel">
        <series-table .series=${this.list}></series-table>
        ${
          this.hasOlder
            ? html`<div class="older">
              <button ?disabled=${this.isLoadingOlder} @click=${this.#loadOlder}>${this.isLoadingOlder ? text.loading : t.older}</button>
            </div>`
            : nothing
        }
      </div>
    `;
  }

  async #loadOlder(): Promise<void> {
    const list = this.list ?? [];
    this.isLoadingOlder = true;
    try {
      const older = await listSeries(list.at(-1)?.id);
      this.hasOlder = older.length === pageSize;
      this.list = [...(this.list ?? []), ...older];
      this.error = undefined;
    } catch (error) {
      this.error = error;
    } finally {
      this.isLoadingOlder = false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "worklist-page": WorklistPage;
  }
}
