import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { RefusedCaller } from "../../../appliance/api/callers.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { addCaller, listRefusedCallers } from "../../api/callers.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatMoment, legible } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/error-notice.ts";

/** Who was turned away at the DICOM port, how often and why, and "add this node" for those whom that would let in. */
@customElement("callers-page")
export class CallersPage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @state() private accessor callers: readonly RefusedCaller[] | undefined;
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  @state() private accessor done = "";

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-4); }
      .padded { display: grid; gap: var(--gap-3); padding: var(--gap-4); }
      ul { display: grid; gap: var(--gap-3); padding: 0; list-style: none; }
      li { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap-1) var(--gap-3); overflow-wrap: anywhere; }
      .fault { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  /** Fetches everything again. */
  async refresh(): Promise<void> {
    try {
      this.callers = await listRefusedCallers();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.callers;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.done ? html`<p role="status">${this.done}</p>` : nothing}
      ${this.callers ? this.#list(this.callers) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #list(callers: readonly RefusedCaller[]) {
    const t = text.callers;
    return html`<section class="panel padded">
      <p class="muted">${callers.length === 0 ? t.none : t.lead}</p>
      ${callers.length === 0 ? nothing : html`<ul>${callers.map((caller) => this.#caller(caller))}</ul>`}
    </section>`;
  }

  #caller(caller: RefusedCaller) {
    const t = text.callers;
    const title = legible(caller.callingAeTitle) || t.noTitle;
    const why = t.details[caller.detail] ?? t.reasons[caller.reason] ?? caller.reason;
    return html`<li>
      <strong><bdi>${title}</bdi></strong>
      <span class="muted small">${t.from(caller.address)}${caller.calledAeTitle ? html`, ${t.to} <bdi>${legible(caller.calledAeTitle)}</bdi>` : nothing}</span>
      <span>${why}</span>
      <span class="muted small">${t.times(caller.count)}, ${t.last(formatMoment(caller.lastAt, Date.now()))}</span>
      ${
        caller.canBeAdded && this.#mayChange
          ? html`<button class="small" aria-label=${t.addOne(title, caller.address)} @click=${() => this.#add(caller)}>${t.add}</button>`
          : nothing
      }
    </li>`;
  }

  get #mayChange(): boolean {
    return this.session !== undefined && this.session.user.role !== "reviewer";
  }

  async #add({ id, callingAeTitle, address }: RefusedCaller): Promise<void> {
    [this.fault, this.done] = ["", ""];
    try {
      await addCaller(id);
      this.done = text.callers.added(legible(callingAeTitle), address);
    } catch (error) {
      this.fault = `${text.callers.addFailed} ${errorSentence(error)}`;
    }
    await this.refresh();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "callers-page": CallersPage;
  }
}
