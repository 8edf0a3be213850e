import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Account, ProposedSecondFactor } from "../../../appliance/api/account.ts";
import { confirmSecondFactor, proposeSecondFactor, removeSecondFactor, renewRecoveryCodes } from "../../api/account.ts";
import { text } from "../../text/en.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/qr-code.ts";
import "../../elements/secret-notice.ts";

/**
 * Sets a second factor up, in three steps (password, QR code, recovery codes), or changes the one that is there. Stands in the document itself,
 * for password managers.
 *
 * @fires changed when there is another state to show
 */
@customElement("second-factor-panel")
export class SecondFactorPanel extends LitElement {
  @property({ attribute: false }) accessor account: Account | undefined;
  @state() private accessor proposed: ProposedSecondFactor | undefined;
  @state() private accessor codes: readonly string[] | undefined;
  @state() private accessor fault = "";
  @state() private accessor isBusy = false;

  override createRenderRoot() {
    return this;
  }

  override render() {
    const t = text.secondFactor;
    return html`<section class="panel" aria-labelledby="factor-title">
      <h2 id="factor-title">${t.title}</h2>
      ${this.codes ? this.#showCodes(this.codes) : this.proposed ? this.#confirm(this.proposed) : this.account?.hasSecondFactor ? this.#present(this.account) : this.#begin()}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
    </section>`;
  }

  #begin() {
    const t = text.secondFactor;
    return html`
      <p>${t.lead}</p>
      <form class="form" @submit=${(event: SubmitEvent) => this.#submit(event, (value) => this.#propose(value))}>
        <label>${text.newPassword.current} <input name="value" type="password" autocomplete="current-password" maxlength="1024" required /></label>
        <button class="main" ?disabled=${this.isBusy}>${t.setUp}</button>
      </form>
    `;
  }

  #confirm({ secret, uri }: ProposedSecondFactor) {
    const t = text.secondFactor;
    return html`
      <p>${t.scan}</p>
      <qr-code .value=${uri} label=${t.qrCode}></qr-code>
      <p class="small">${t.byHand} <code>${secret.match(/.{1,4}/g)?.join(" ")}</code></p>
      <form class="form" @submit=${(event: SubmitEvent) => this.#submit(event, (value) => this.#confirmCode(value))}>
        <label>${t.code} <input name="value" autocomplete="one-time-code" inputmode="numeric" maxlength="16" required /></label>
        <button class="main" ?disabled=${this.isBusy}>${t.confirm}</button>
      </form>
    `;
  }

  #showCodes(codes: readonly string[]) {
    const t = text.secondFactor;
    return html`
      <secret-notice heading=${t.recoveryCodes} secret=${codes.join("\n")} help=${t.recoveryHelp}></secret-notice>
      <div><button class="main" @click=${this.#finish}>${t.noted}</button></div>
    `;
  }

  #present({ recoveryCodesLeft, needsSecondFactor }: Account) {
    const t = text.secondFactor;
    return html`
      <p>${t.present(recoveryCodesLeft)} ${needsSecondFactor ? t.needed : nothing}</p>
      <form class="form" @submit=${this.#change}>
        <label>${t.codeOrRecovery} <input name="value" autocomplete="one-time-code" maxlength="64" required /></label>
        <div class="buttons">
          <button name="act" value="renew" ?disabled=${this.isBusy}>${t.renew}</button>
          <button name="act" value="remove" ?disabled=${this.isBusy}>${t.remove}</button>
        </div>
      </form>
    `;
  }

  async #propose(password: string): Promise<void> {
    this.proposed = await proposeSecondFactor(password);
  }

  async #confirmCode(code: string): Promise<void> {
    this.codes = await confirmSecondFactor(code.replaceAll(" ", ""));
    this.proposed = undefined;
  }

  #change(event: SubmitEvent): Promise<void> {
    const isRemoval = (event.submitter as HTMLButtonElement | null)?.value === "remove";
    return this.#submit(event, async (code) => {
      if (!isRemoval) {
        this.codes = await renewRecoveryCodes(code);
        return;
      }
      await removeSecondFactor(code);
      this.dispatchEvent(new Event("changed"));
    });
  }

  async #submit(event: SubmitEvent, act: (value: string) => Promise<void>): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (this.isBusy) return;
    this.isBusy = true;
    this.fault = "";
    try {
      await act(String(new FormData(form).get("value")));
      form.reset();
    } catch (error) {
      this.fault = errorSentence(error);
    } finally {
      this.isBusy = false;
    }
  }

  #finish(): void {
    this.codes = undefined;
    this.dispatchEvent(new Event("changed"));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "second-factor-panel": SecondFactorPanel;
  }
}
