import { css, html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Role } from "../../../appliance/api/session.ts";
import type { SignInSettings } from "../../../appliance/api/users.ts";
import { readSignInSettings, saveSignInSettings } from "../../api/users.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";

const roles = Object.keys(text.roles) as Role[];

/** How long sessions last, and who needs a second factor. */
@customElement("sign-in-settings")
export class SignInSettingsPanel extends LitElement {
  @state() private accessor settings: SignInSettings | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";

  static override styles = [
    shared,
    css`
      .panel, form { display: grid; gap: var(--gap-3); justify-items: start; }
      .panel { padding: var(--gap-4); }
      label, legend { font-weight: 600; }
      fieldset { display: flex; flex-wrap: wrap; gap: var(--gap-2) var(--gap-4); margin: 0; padding: 0; border: 0; }
      fieldset label { font-weight: 400; }
      input[type="number"] {
        width: 5rem; min-height: var(--control); padding: var(--gap-1) var(--gap-3); background: var(--surface); color: var(--text);
        border: 1px solid var(--line-strong); border-radius: var(--round); font: inherit; font-weight: 400;
      }
      .fault { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#read();
  }

  override render() {
    const t = text.users;
    const { settings } = this;
    return html`<section class="panel">
      <h2>${t.settings}</h2>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.#read}></error-notice>` : nothing}
      ${
        settings
          ? html`<form @submit=${this.#save}>
              <label>${t.idle} <input name="idleMinutes" type="number" min="5" max="60" .value=${String(settings.idleMinutes)} required /></label>
              <label>${t.absolute} <input name="absoluteHours" type="number" min="1" max="24" .value=${String(settings.absoluteHours)} required /></label>
              <fieldset>
                <legend>${t.required}</legend>
                ${roles.map(
                  (role) => html`<label
                    ><input type="checkbox" name="secondFactorFor" value=${role} ?checked=${settings.secondFactorFor.includes(role)} />
                    ${text.roles[role]}</label
                  >`,
                )}
              </fieldset>
              ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
              ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
              <button>${t.save}</button>
            </form>`
          : this.error
            ? nothing
            : html`<p class="muted" role="status">${text.loading}</p>`
      }
    </section>`;
  }

  async #read(): Promise<void> {
    try {
      this.settings = await readSignInSettings();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  async #save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    [this.fault, this.done] = ["", ""];
    const form = new FormData(event.target as HTMLFormElement);
    const settings = {
      idleMinutes: Number(form.get("idleMinutes")),
      absoluteHours: Number(form.get("absoluteHours")),
      secondFactorFor: form.getAll("secondFactorFor").map(String) as Role[],
    };
    try {
      await saveSignInSettings(settings);
      this.settings = settings;
      this.done = text.users.saved;
    } catch (error) {
      this.fault = errorSentence(error);
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "sign-in-settings": SignInSettingsPanel;
  }
}
