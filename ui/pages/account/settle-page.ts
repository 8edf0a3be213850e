import { html, LitElement } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { PasswordChange } from "../../../appliance/api/account.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { changePassword } from "../../api/account.ts";
import { text } from "../../text/en.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/new-password-form.ts";

/**
 * What a session owes before anything else opens: a password of one's own.
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

  override render() {
    const t = text.settle;
    return html`
      <section class="panel">
        <h1>${t.password}</h1>
        <p>${t.passwordLead}</p>
        <new-password-form
          .userName=${this.session?.user.name ?? ""}
          .fault=${this.fault}
          .isBusy=${this.isBusy}
          @change-password=${this.#changePassword}
        ></new-password-form>
      </section>
    `;
  }

  async #changePassword({ detail }: CustomEvent<PasswordChange>): Promise<void> {
    this.isBusy = true;
    this.fault = "";
    try {
      await changePassword(detail);
      this.dispatchEvent(new Event("settled"));
    } catch (error) {
      this.fault = errorSentence(error);
    } finally {
      this.isBusy = false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "settle-page": SettlePage;
  }
}
