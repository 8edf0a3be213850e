import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Role, Session } from "../../../appliance/api/session.ts";
import type { InitialPassword, UserSummary } from "../../../appliance/api/users.ts";
import { addUser, changeRole, endSessionsOf, listUsers, removeUser, resetPassword, resetSecondFactor } from "../../api/users.ts";
import type { SureDialog } from "../../elements/sure-dialog.ts";
import { lineForms, tables } from "../../styles/lists.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatMoment } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";
import "../../elements/secret-notice.ts";
import "../../elements/sure-dialog.ts";
import "./sign-in-settings.ts";

const roles = Object.keys(text.roles) as Role[];

/** Who may sign in, as what; for administrators. */
@customElement("users-page")
export class UsersPage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @state() private accessor users: readonly UserSummary[] | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";
  /** The password that was just made, and whose it is. */
  @state() private accessor initial: (InitialPassword & { readonly name: string }) | undefined;
  @query("sure-dialog") private accessor sure!: SureDialog;

  static override styles = [
    shared,
    tables,
    lineForms,
    css`
      :host { display: grid; gap: var(--gap-4); }
      .panel { display: grid; gap: var(--gap-3); padding: var(--gap-4); overflow-x: auto; }
      .buttons { display: flex; flex-wrap: wrap; gap: var(--gap-2); }
      td select { min-height: 1.75rem; padding: 0 var(--gap-2); }
      .fault { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      this.users = await listUsers();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.users;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
      ${
        this.initial
          ? html`<secret-notice
              heading=${t.initial(this.initial.name)}
              secret=${this.initial.password}
              help=${t.initialHelp(formatMoment(this.initial.initialUntil, Date.now()))}
            ></secret-notice>`
          : nothing
      }
      ${this.users ? this.#table(this.users) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
      ${this.#addForm()}
      <sign-in-settings></sign-in-settings>
      <sure-dialog></sure-dialog>
    `;
  }

  #table(users: readonly UserSummary[]) {
    const { name, role, factor, sessions, actions } = text.users.columns;
    return html`<section class="panel">
      <table>
        <thead>
          <tr><th scope="col">${name}</th><th scope="col">${role}</th><th scope="col">${factor}</th><th scope="col">${sessions}</th><th scope="col">${actions}</th></tr>
        </thead>
        <tbody>${users.map((user) => this.#row(user))}</tbody>
      </table>
    </section>`;
  }

  #row(user: UserSummary) {
    const t = text.users;
    const { name, role, hasSecondFactor, isVouched, sessions, lastSeenAt, initialUntil } = user;
    const moment = (at: number) => formatMoment(at, Date.now());
    return html`<tr>
      <td>
        <strong>${name}</strong>${name === this.session?.user.name ? ` (${t.you})` : nothing}
        ${isVouched ? html`<div class="muted small">${t.vouched}</div>` : nothing}
        ${initialUntil === null ? nothing : html`<div class="muted small">${t.awaited(moment(initialUntil))}</div>`}
      </td>
      <td>
        <select aria-label=${t.roleOf(name)} .value=${role} @change=${(event: Event) => this.#changeRole(user, event)}>
          ${roles.map((each) => html`<option value=${each} ?selected=${each === role}>${text.roles[each]}</option>`)}
        </select>
      </td>
      <td>${hasSecondFactor ? t.hasFactor : t.noFactor}</td>
      <td>${t.sessions(sessions, lastSeenAt === null ? "" : moment(lastSeenAt))}</td>
      <td>
        <div class="buttons">
          ${isVouched ? nothing : html`<button class="small" aria-label=${t.resetOne(name)} @click=${() => this.#reset(user)}>${t.reset}</button>`}
          ${hasSecondFactor ? html`<button class="small" aria-label=${t.resetFactorOne(name)} @click=${() => this.#resetFactor(user)}>${t.resetFactor}</button>` : nothing}
          ${sessions > 0 ? html`<button class="small" aria-label=${t.endSessionsOne(name)} @click=${() => this.#endSessions(user)}>${t.endSessions}</button>` : nothing}
          <button class="small" aria-label=${t.removeOne(name)} @click=${() => this.#remove(user)}>${t.remove}</button>
        </div>
      </td>
    </tr>`;
  }

  #addForm() {
    const t = text.users;
    return html`<section class="panel">
      <h2>${t.addTitle}</h2>
      <form @submit=${this.#add}>
        <label>${t.name} <input name="name" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="64" required /></label>
        <label
          >${t.role}
          <select name="role">
            ${roles.toReversed().map((role) => html`<option value=${role}>${text.roles[role]}: ${t.roleHelp[role]}</option>`)}
          </select>
        </label>
        <button class="main">${t.add}</button>
      </form>
    </section>`;
  }

  async #add(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const entered = new FormData(form);
    const name = String(entered.get("name"));
    await this.#do(async () => {
      this.initial = { name, ...(await addUser({ name, role: String(entered.get("role")) as Role })) };
      form.reset();
    });
  }

  async #changeRole(user: UserSummary, event: Event): Promise<void> {
    const select = event.target as HTMLSelectElement;
    const role = select.value as Role;
    const t = text.users;
    if (await this.sure.ask(t.sure.role(user.name, text.roles[role]), t.save)) await this.#do(() => changeRole(user.id, role));
    select.value = this.users?.find(({ id }) => id === user.id)?.role ?? user.role;
  }

  async #reset({ id, name }: UserSummary): Promise<void> {
    const t = text.users;
    if (!(await this.sure.ask(t.sure.reset(name), t.reset))) return;
    await this.#do(async () => {
      this.initial = { name, ...(await resetPassword(id)) };
    });
  }

  async #resetFactor({ id, name }: UserSummary): Promise<void> {
    const t = text.users;
    if (await this.sure.ask(t.sure.resetFactor(name), t.resetFactor)) await this.#do(() => resetSecondFactor(id));
  }

  async #endSessions({ id, name }: UserSummary): Promise<void> {
    const t = text.users;
    if (await this.sure.ask(t.sure.endSessions(name), t.endSessions)) await this.#do(() => endSessionsOf(id));
  }

  async #remove({ id, name }: UserSummary): Promise<void> {
    const t = text.users;
    if (await this.sure.ask(t.sure.remove(name), t.remove)) await this.#do(() => removeUser(id));
  }

  async #do(act: () => Promise<void>): Promise<void> {
    [this.fault, this.done] = ["", ""];
    this.initial = undefined;
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
    "users-page": UsersPage;
  }
}
