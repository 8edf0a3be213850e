import { css, html, LitElement } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";

/** Asks before something that can't be taken back. */
@customElement("sure-dialog")
export class SureDialog extends LitElement {
  @state() private accessor question = "";
  @state() private accessor action = "";
  @query("dialog") private accessor dialog!: HTMLDialogElement;
  #answer: (isSure: boolean) => void = () => {};

  static override styles = [
    shared,
    css`
      dialog { max-width: 28rem; padding: var(--gap-6); background: var(--surface); color: var(--text); border: 1px solid var(--line-strong); border-radius: var(--round-large); }
      dialog::backdrop { background: rgb(0 0 0 / 45%); }
      form { display: grid; gap: var(--gap-4); }
      .buttons { display: flex; flex-wrap: wrap; justify-content: end; gap: var(--gap-2); }
    `,
  ];

  /** Resolves with whether the person wants it. Escape is a no. */
  async ask(question: string, action: string): Promise<boolean> {
    [this.question, this.action] = [question, action];
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
        <div class="buttons">
          <button value="no" autofocus>${text.users.cancel}</button>
          <button value="yes" class="main">${this.action}</button>
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
