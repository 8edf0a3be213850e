import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Account, AccountSession, PasswordChange } from "../../../appliance/api/account.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { changePassword, endOwnSession, readAccount, signOutEverywhere } from "../../api/account.ts";
import type { NewPasswordForm } from "../../elements/new-password-form.ts";
import { text } from "../../text/en.ts";
import { formatMoment } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";
import "../../elements/new-password-form.ts";
import "./second-factor-panel.ts";

/**
 * One's own account: password, sessions. Stands in the document itself, for password managers.
 *
 * @fires signed-out
 */
@customElement("account-page")
export class AccountPage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @property() accessor stationName = "";
  @state() private accessor account: Account | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";
  @state() private accessor passwordFault = "";
  @state() private accessor isBusy = false;
  @query("new-password-form") private accessor passwordForm!: NewPasswordForm;

  override createRenderRoot() {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      this.account = await readAccount();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.account;
    const { account } = this;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
      ${account ? this.#parts(account) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #parts(account: Account) {
    const t = text.account;
    const { sessions } = account;
    return html`
      ${account.isVouched ? html`<p>${t.vouched}</p>` : this.#ownSecrets(account)}
      <section class="panel" aria-labelledby="sessions-title">
        <h2 id="sessions-title">${t.sessions}</h2>
        <ul class="rows">${sessions.map((session) => this.#session(session))}</ul>
        <div><button @click=${() => this.#signOutEverywhere()}>${t.everywhere}</button></div>
      </section>
    `;
  }

  #ownSecrets(account: Account) {
    const { user } = account;
    return html`
      <section class="panel" aria-labelledby="password-title">
        <h2 id="password-title">${text.account.password}</h2>
        <new-password-form
          .userName=${user.name}
          .stationName=${this.stationName}
          .fault=${this.passwordFault}
          .isBusy=${this.isBusy}
          @change-password=${this.#changePassword}
        ></new-password-form>
      </section>
      <second-factor-panel .account=${account} @changed=${this.refresh}></second-factor-panel>
    `;
  }

  #session({ id, isOwn, address, createdAt, lastSeenAt }: AccountSession) {
    const t = text.account;
    const lastSeen = formatMoment(lastSeenAt, Date.now());
    return html`<li>
      <span>${t.session(address)}</span>
      ${isOwn ? html`<strong>${t.thisSession}</strong>` : nothing}
      <span class="muted small">${t.since(formatMoment(createdAt, Date.now()))}, ${t.lastSeen(lastSeen)}</span>
      ${isOwn ? nothing : html`<button class="small" aria-label=${t.endOne(address, lastSeen)} @click=${() => this.#endSession(id)}>${t.end}</button>`}
    </li>`;
  }

  async #changePassword({ detail }: CustomEvent<PasswordChange>): Promise<void> {
    this.isBusy = true;
    [this.passwordFault, this.done] = ["", ""];
    try {
      await changePassword(detail);
      this.passwordForm.clear();
      this.done = text.newPassword.changed;
    } catch (error) {
      this.passwordFault = errorSentence(error);
    } finally {
      this.isBusy = false;
    }
    await this.refresh();
  }

  async #endSession(id: string): Promise<void> {
    await this.#do(() => endOwnSession(id), text.account.ended);
    await this.refresh();
  }

  async #signOutEverywhere(): Promise<void> {
    if (await this.#do(signOutEverywhere, "")) this.dispatchEvent(new Event("signed-out"));
  }

  async #do(act: () => Promise<void>, done: string): Promise<boolean> {
    [this.fault, this.done] = ["", ""];
    try {
      await act();
      this.done = done;
      return true;
    } catch (error) {
      this.fault = errorSentence(error);
      return false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "account-page": AccountPage;
  }
}
