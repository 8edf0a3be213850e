import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { paths } from "../../../appliance/api/paths.ts";
import { ApiError } from "../../api/client.ts";
import { readProvider, signIn } from "../../api/session.ts";
import { text } from "../../text/en.ts";
import { errorSentence } from "../../text/reasons.ts";

/**
 * Name, password, one button. Stands in the document itself, not in a shadow root: password managers look for it there.
 *
 * @fires signed-in detail: Session
 */
@customElement("sign-in-page")
export class SignInPage extends LitElement {
  /** A session ended while the page was open. */
  @property({ type: Boolean }) accessor isOver = false;
  @state() private accessor fault = "";
  @state() private accessor isBusy = false;
  /** How the button of the sign-in provider names it; null: there is none. */
  @state() private accessor provider: string | null = null;

  override createRenderRoot() {
    return this;
  }

  override firstUpdated(): void {
    this.querySelector<HTMLInputElement>("#name")?.focus();
    void this.#readProvider();
    const code = new URLSearchParams(location.search).get("sign-in");
    if (code === null) return;
    this.fault = text.provider.faults[code] ?? text.provider.failed;
    history.replaceState(history.state, "", location.pathname); // it is told once
  }

  override render() {
    const t = text.signIn;
    return html`
      <form @submit=${this.#submit}>
        <h1><img src="/icon.svg" alt="" />${t.title}</h1>
        <p>${this.isOver ? t.over : t.lead}</p>
        ${
          this.provider === null
            ? nothing
            : html`<a class="button main" href=${paths.provider} rel="external">${text.provider.button(this.provider)}</a>
                <p class="muted">${text.provider.or}</p>`
        }
        <label for="name"
          >${t.name}
          <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required />
        </label>
        <label for="password"
          >${t.password}
          <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required />
        </label>
        ${this.fault ? html`<div class="fault" role="alert">${this.fault}</div>` : nothing}
        <button class="main" ?disabled=${this.isBusy}>${this.isBusy ? t.busy : t.button}</button>
      </form>
    `;
  }

  async #readProvider(): Promise<void> {
    try {
      this.provider = await readProvider();
    } catch {
      this.provider = null; // the accounts of the box are there all the same
    }
  }

  async #submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.isBusy) return;
    const form = new FormData(event.target as HTMLFormElement);
    this.isBusy = true;
    this.fault = "";
    try {
      const session = await signIn({ name: String(form.get("name")), password: String(form.get("password")) });
      this.dispatchEvent(new CustomEvent("signed-in", { detail: session }));
    } catch (error) {
      this.fault = error instanceof ApiError && error.code === "sign-in-failed" ? text.signIn.wrong : errorSentence(error);
      const password = this.querySelector<HTMLInputElement>("#password");
      password?.focus();
      password?.select();
    } finally {
      this.isBusy = false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "sign-in-page": SignInPage;
  }
}
