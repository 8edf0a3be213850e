import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { PasswordChange } from "../../appliance/api/account.ts";
import type { PasswordJudgement } from "../../appliance/api/new-password.ts";
import { shortestPassword } from "../../appliance/api/password-length.ts";
import { text } from "../text/en.ts";

/**
 * The current password, a new one twice, and how strong it is while it is typed. Stands in the document itself: password managers look for
 * forms there.
 *
 * @fires change-password detail: PasswordChange
 */
@customElement("new-password-form")
export class NewPasswordForm extends LitElement {
  /** For password managers, and to see whether the password has it in it. */
  @property() accessor userName = "";
  @property() accessor stationName = "";
  @property() accessor fault = "";
  @property({ type: Boolean }) accessor isBusy = false;
  @state() private accessor judgement: PasswordJudgement | undefined;
  @state() private accessor isShown = false;
  @state() private accessor differ = false;
  @query("form") private accessor form!: HTMLFormElement;

  override createRenderRoot() {
    return this;
  }

  /** Empties the form. */
  clear(): void {
    this.form.reset();
    this.judgement = undefined;
  }

  override render() {
    const t = text.newPassword;
    const type = this.isShown ? "text" : "password";
    const fault = this.differ ? t.differ : this.fault;
    return html`
      <form class="form" @submit=${this.#submit}>
        <p class="muted" id="password-lead">${t.lead(shortestPassword)}</p>
        <input class="hidden-text" name="username" autocomplete="username" .value=${this.userName} tabindex="-1" aria-hidden="true" readonly />
        <label>${t.current} <input name="current" type=${type} autocomplete="current-password" maxlength="1024" required /></label>
        <label
          >${t.next}
          <input
            name="next"
            type=${type}
            autocomplete="new-password"
            maxlength="1024"
            minlength=${shortestPassword}
            aria-describedby="password-lead password-strength"
            required
            @input=${this.#judge}
          />
        </label>
        ${this.#strength()}
        <label>${t.again} <input name="again" type=${type} autocomplete="new-password" maxlength="1024" required /></label>
        <label class="check"><input type="checkbox" .checked=${this.isShown} @change=${this.#show} /> ${t.show}</label>
        ${fault ? html`<div class="fault" role="alert">${fault}</div>` : nothing}
        <button class="main" ?disabled=${this.isBusy}>${this.isBusy ? t.busy : t.button}</button>
      </form>
    `;
  }

  #strength() {
    const t = text.newPassword;
    const { judgement } = this;
    const said = judgement && (judgement.fault ? t.faults[judgement.fault.code](shortestPassword) : t.strengths[judgement.strength]);
    return html`<div class="strength" id="password-strength" aria-live="polite">
      ${t.strength}
      <meter min="0" max="4" low="3" high="3" optimum="4" .value=${judgement && !judgement.fault ? judgement.strength : 0} aria-hidden="true"></meter>
      <span>${said ?? "–"}</span>
    </div>`;
  }

  async #judge(event: InputEvent): Promise<void> {
    const input = event.target as HTMLInputElement;
    this.differ = false;
    // large: it comes with the first letter
    const { judgePassword } = await import("../../appliance/api/new-password.ts");
    this.judgement = input.value === "" ? undefined : judgePassword(input.value, [this.userName, this.stationName]);
  }

  readonly #show = (event: Event): void => {
    this.isShown = (event.target as HTMLInputElement).checked;
  };

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    if (this.isBusy) return;
    const form = new FormData(this.form);
    const [current, next, again] = ["current", "next", "again"].map((name) => String(form.get(name)));
    this.differ = next !== again;
    if (this.differ) return;
    this.dispatchEvent(new CustomEvent<PasswordChange>("change-password", { detail: { current: current!, next: next! } }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "new-password-form": NewPasswordForm;
  }
}
