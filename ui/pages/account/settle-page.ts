import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { PasswordChange } from "../../../appliance/api/account.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { changePassword } from "../../api/account.ts";
import { giveSecondFactor } from "../../api/session.ts";
import { text } from "../../text/en.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/new-password-form.ts";
import "./second-factor-panel.ts";

/**
 * What a session owes before anything else opens: the code of the second factor, a password of one's own, a second factor.
 *
 * @fires settled
 */
@customElement("settle-page")
export class SettlePage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @state() private accessor fault = "";
  @state() private accessor isBusy = false;

  override createRenderRoot() {
    return this;
  }

  override updated(changed: Map<string, unknown>): void {
    if (changed.has("session")) this.querySelector<HTMLInputElement>("#code")?.focus();
  }

  override render() {
    switch (this.session?.owes) {
      case "second-factor":
        return this.#code();
      case "password":
        return this.#password();
      case "second-factor-setup":
        return html`<p>${text.settle.setup}</p>
          <second-factor-panel @changed=${this.#settled}></second-factor-panel>`;
      default:
        return nothing;
    }
  }

  #code() {
    const t = text.settle;
    return html`<section class="panel">
      <h1>${t.code}</h1>
      <form class="form" @submit=${this.#giveCode}>
        <label for="code"
          >${text.secondFactor.codeOrRecovery}
          <input id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="64" required />
        </label>
        ${this.fault ? html`<div class="fault" role="alert">${this.fault}</div>` : nothing}
        <button class="main" ?disabled=${this.isBusy}>${text.signIn.button}</button>
        <p class="muted small">${t.lost}</p>
      </form>
    </section>`;
  }

  #password() {
    const t = text.settle;
    return html`<section class="panel">
      <h1>${t.password}</h1>
      <p>${t.passwordLead}</p>
      <new-password-form
        .userName=${this.session?.user.name ?? ""}
        .fault=${this.fault}
        .isBusy=${this.isBusy}
        @change-password=${({ detail }: CustomEvent<PasswordChange>) => this.#settle(() => changePassword(detail))}
      ></new-password-form>
    </section>`;
  }

  async #giveCode(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const code = String(new FormData(event.target as HTMLFormElement).get("code"));
    await this.#settle(() => giveSecondFactor(code));
    this.querySelector<HTMLInputElement>("#code")?.select();
  }

  async #settle(act: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    this.fault = "";
    try {
      await act();
      this.#settled();
    } catch (error) {
      this.fault = errorSentence(error);
    } finally {
      this.isBusy = false;
    }
  }

  #settled(): void {
    this.dispatchEvent(new Event("settled"));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "settle-page": SettlePage;
  }
}
