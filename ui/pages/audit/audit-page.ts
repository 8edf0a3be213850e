import { css, html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { AuditLine, AuditQuery, AuditState } from "../../../appliance/api/audit.ts";
import { auditExportAddress, listAudit, readAuditState } from "../../api/audit.ts";
import { lineForms, tables } from "../../styles/lists.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatInstant, legible } from "../../text/format.ts";
import "../../elements/error-notice.ts";
import "./audit-panel.ts";

/** Who did what when, newest first: looked through by time, person, kind and study; for engineers and administrators. */
@customElement("audit-page")
export class AuditPage extends LitElement {
  @state() private accessor entries: readonly AuditLine[] | undefined;
  @state() private accessor older: number | null = null;
  @state() private accessor audit: AuditState | undefined;
  @state() private accessor error: unknown;
  @state() private accessor query: AuditQuery = {};

  static override styles = [
    shared,
    tables,
    lineForms,
    css`
      :host { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-4); }
      .panel { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-3); padding: var(--gap-4); overflow-x: auto; }
      caption { text-align: left; color: var(--muted); font-size: var(--text-small); padding-bottom: var(--gap-2); }
      td { overflow-wrap: anywhere; }
      .number, .when { white-space: nowrap; font-variant-numeric: tabular-nums; }
      .detail { min-width: 12rem; font-size: var(--text-small); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#search(this.query), this.#readState()]);
  }

  async #readState(): Promise<void> {
    await this.#do(async () => {
      this.audit = await readAuditState();
    });
  }

  async #search(query: AuditQuery): Promise<void> {
    await this.#do(async () => {
      const page = await listAudit(query);
      [this.query, this.entries, this.older, this.error] = [query, page.entries, page.older, undefined];
    });
  }

  async #showOlder(before: number): Promise<void> {
    await this.#do(async () => {
      const page = await listAudit({ ...this.query, before });
      [this.entries, this.older] = [[...(this.entries ?? []), ...page.entries], page.older];
    });
  }

  async #do(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.audit;
    return html`
      <h1>${t.title}</h1>
      <p>${t.lead}</p>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.audit ? html`<audit-panel .audit=${this.audit} @changed=${this.#readState}></audit-panel>` : nothing}
      ${this.#form()}
      ${this.entries ? this.#table(this.entries) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #form() {
    const t = text.audit;
    return html`<section class="panel">
      <h2>${t.search}</h2>
      <form @submit=${this.#onSubmit}>
        <label>${t.from} <input name="from" type="datetime-local" /></label>
        <label>${t.until} <input name="until" type="datetime-local" /></label>
        <label>${t.who} <input name="actor" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="190" title=${t.whoHelp} /></label>
        <label
          >${t.what}
          <select name="action">
            <option value="">${t.anything}</option>
            ${this.audit?.actions.map((action) => html`<option value=${action}>${wordsOf(action)}</option>`)}
          </select>
        </label>
        <label>${t.study} <input name="study" autocomplete="off" spellcheck="false" maxlength="64" /></label>
        <button class="main">${t.show}</button>
        <a class="button" href=${auditExportAddress(this.query)} download>${t.export}</a>
      </form>
    </section>`;
  }

  #table(entries: readonly AuditLine[]) {
    const t = text.audit;
    const { entry, at, actor, action, object, detail } = t.columns;
    if (entries.length === 0) return html`<p class="muted" role="status">${t.none}</p>`;
    return html`<section class="panel">
      <table>
        <caption>
          ${t.caption}
        </caption>
        <thead>
          <tr>${[entry, at, actor, action, object, detail].map((column) => html`<th scope="col">${column}</th>`)}</tr>
        </thead>
        <tbody>${entries.map((line) => this.#row(line))}</tbody>
      </table>
      ${this.older === null ? nothing : html`<div><button @click=${() => this.#showOlder(this.older!)}>${t.older}</button></div>`}
    </section>`;
  }

  #row({ id, at, actor, action, object, detail }: AuditLine) {
    return html`<tr>
      <td class="number">${id}</td>
      <td class="when">${formatInstant(at)}</td>
      <td><bdi>${legible(actor.replace(/^user:/, ""))}</bdi></td>
      <td>${wordsOf(action)}</td>
      <td><bdi>${legible(object)}</bdi></td>
      <td class="detail"><bdi>${legible(detailOf(detail), 600)}</bdi></td>
    </tr>`;
  }

  async #onSubmit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const entered = new FormData(event.target as HTMLFormElement);
    const said = (name: string): string => String(entered.get(name) ?? "").trim();
    const time = (name: string): number | undefined => (said(name) === "" ? undefined : new Date(said(name)).getTime());
    await this.#search({
      from: time("from"),
      until: time("until"),
      actor: actorOf(said("actor")),
      action: said("action") || undefined,
      study: said("study") || undefined,
    });
  }
}

/** `result-delivered` as `result delivered`. */
function wordsOf(action: string): string {
  return action.replaceAll("-", " ");
}

/** As the trail calls who is meant: a name alone is a user's. */
function actorOf(entered: string): string | undefined {
  if (entered === "") return undefined;
  return entered.includes(":") || ["console", "system", "unknown"].includes(entered) ? entered : `user:${entered}`;
}

function detailOf(detail: AuditLine["detail"]): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

declare global {
  interface HTMLElementTagNameMap {
    "audit-page": AuditPage;
  }
}
