import { css, html, LitElement, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";

/** What a person has to type first, where a slip of the mouse would cost too much. */
type Typed = { readonly label: string; readonly word: string };

/** Asks before something that can't be taken back. */
@customElement("sure-dialog")
export class SureDialog extends LitElement {
  @state() private accessor question = "";
  @state() private accessor action = "";
  @state() private accessor typed: Typed | undefined;
  @state() private accessor entered = "";
  @query("dialog") private accessor dialog!: HTMLDialogElement;
  #answer: (isSure: boolean) => void = () => {};

  static override styles = [
    shared,
    css`
      dialog { max-width: 28rem; padding: var(--gap-6); background: var(--surface); color: var(--text); border: 1px solid var(--line-strong); border-radius: var(--round-large); }
      dialog::backdrop { background: rgb(0 0 0 / 45%); }
      form { display: grid; gap: var(--gap-4); }
      label { display: grid; gap: var(--gap-1); font-weight: 600; }
      input {
        min-height: var(--control); padding: var(--gap-1) var(--gap-3); background: var(--surface); color: var(--text);
        border: 1px solid var(--line-strong); border-radius: var(--round); font: inherit; font-weight: 400;
      }
      .buttons { display: flex; flex-wrap: wrap; justify-content: end; gap: var(--gap-2); }
    `,
  ];

  /** Resolves with whether the person wants it. Escape is a no. */
  async ask(question: string, action: string, typed?: Typed): Promise<boolean> {
    [this.question, this.action, this.typed, this.entered] = [question, action, typed, ""];
    await this.updateComplete;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  override render() {
    return html`<dialog aria-labelledby="question" @close=${() => this.#answer(this.dialog.returnValue === "yes")}>
      <form method="dialog">
        <p id="question">${this.question}</p>
        ${
          this.typed
            ? html`<label>
                ${this.typed.label}
                <input
                  autocomplete="off"
                  autocapitalize="none"
                  spellcheck="false"
                  .value=${this.entered}
                  @input=${(event: Event) => {
                    this.entered = (event.target as HTMLInputElement).value;
                  }}
                />
              </label>`
            : nothing
        }
        <div class="buttons">
          <button value="no" autofocus>${text.users.cancel}</button>
          <button value="yes" class="main" ?disabled=${this.typed !== undefined && this.entered.trim() !== this.typed.word}>${this.action}</button>
        </div>
      </form>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "sure-dialog": SureDialog;
  }
}
