import { css, html, LitElement, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import type { TokenScope, TokenSummary } from "../../../appliance/api/tokens.ts";
import { issueToken, listTokens, revokeToken } from "../../api/tokens.ts";
import type { SureDialog } from "../../elements/sure-dialog.ts";
import { lineForms, tables } from "../../styles/lists.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatMoment } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";
import "../../elements/secret-notice.ts";
import "../../elements/sure-dialog.ts";

const scopes = Object.keys(text.tokens.scopes) as TokenScope[];

/** Tokens with which programs read the interface; for administrators. */
@customElement("tokens-page")
export class TokensPage extends LitElement {
  @state() private accessor tokens: readonly TokenSummary[] | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";
  /** The one that was just made. */
  @state() private accessor issued: { readonly name: string; readonly token: string } | undefined;
  @query("sure-dialog") private accessor sure!: SureDialog;

  static override styles = [
    shared,
    tables,
    lineForms,
    css`
      :host { display: grid; gap: var(--gap-4); }
      .panel { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-3); padding: var(--gap-4); overflow-x: auto; }
      input[type="number"] { width: 8rem; }
      .fault, .over { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      this.tokens = await listTokens();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.tokens;
    return html`
      <h1>${t.title}</h1>
      <p>${t.lead}</p>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
      ${
        this.issued
          ? html`<secret-notice heading=${t.issued(this.issued.name)} secret=${this.issued.token} help=${t.issuedHelp}></secret-notice>`
          : nothing
      }
      ${this.tokens ? this.#table(this.tokens) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
      ${this.#issueForm()}
      <sure-dialog></sure-dialog>
    `;
  }

  #table(tokens: readonly TokenSummary[]) {
    const { name, scope, issued, ends, used, actions } = text.tokens.columns;
    if (tokens.length === 0) return html`<p class="muted">${text.tokens.none}</p>`;
    return html`<section class="panel">
      <table>
        <thead>
          <tr>${[name, scope, issued, ends, used, actions].map((column) => html`<th scope="col">${column}</th>`)}</tr>
        </thead>
        <tbody>${tokens.map((token) => this.#row(token))}</tbody>
      </table>
    </section>`;
  }

  #row(token: TokenSummary) {
    const t = text.tokens;
    const now = Date.now();
    const { name, scope, createdBy, createdAt, expiresAt, lastUsedAt } = token;
    const end = formatMoment(expiresAt, now);
    return html`<tr>
      <td><strong>${name}</strong></td>
      <td>${t.scopes[scope]}</td>
      <td>${t.by(formatMoment(createdAt, now), createdBy.replace(/^user:/, ""))}</td>
      <td>${expiresAt > now ? t.until(end) : html`<span class="over">${t.over(end)}</span>`}</td>
      <td>${lastUsedAt === null ? t.never : t.lastUsed(formatMoment(lastUsedAt, now))}</td>
      <td><button class="small" aria-label=${t.revokeOne(name)} @click=${() => this.#revoke(token)}>${t.revoke}</button></td>
    </tr>`;
  }

  #issueForm() {
    const t = text.tokens;
    return html`<section class="panel">
      <h2>${t.issueTitle}</h2>
      <form @submit=${this.#issue}>
        <label>${t.name} <input name="name" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="64" required /></label>
        <label
          >${t.columns.scope}
          <select name="scope">
            ${scopes.map((scope) => html`<option value=${scope}>${t.scopes[scope]}</option>`)}
          </select>
        </label>
        <label>${t.days} <input name="days" type="number" min="1" max="366" value="90" required /></label>
        <button class="main">${t.issue}</button>
      </form>
    </section>`;
  }

  async #issue(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const entered = new FormData(form);
    const name = String(entered.get("name"));
    await this.#do(async () => {
      const wanted = { name, scope: String(entered.get("scope")) as TokenScope, days: Number(entered.get("days")) };
      this.issued = { name, ...(await issueToken(wanted)) };
      form.reset();
    });
  }

  async #revoke({ id, name }: TokenSummary): Promise<void> {
    const t = text.tokens;
    if (await this.sure.ask(t.sure(name), t.revoke)) await this.#do(() => revokeToken(id));
  }

  async #do(act: () => Promise<void>): Promise<void> {
    [this.fault, this.done, this.issued] = ["", "", undefined];
    try {
      await act();
      this.done = text.users.done;
    } catch (error) {
      this.fault = `${text.users.changeFailed} ${errorSentence(error)}`;
    }
    await this.refresh();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "tokens-page": TokensPage;
  }
}
