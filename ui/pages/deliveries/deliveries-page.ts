import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { DeliverySummary, Node, OpenDelivery } from "../../../appliance/api/deliveries.ts";
import type { LiveEvent } from "../../../appliance/api/events.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { seriesAddress } from "../../address.ts";
import { listNodes, listOpenDeliveries, mostDeliveries, pauseNode, retryDelivery } from "../../api/deliveries.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatPersonName, legible } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import "../../elements/delivery-list.ts";
import "../../elements/error-notice.ts";

/** Between two looks while events come in a row. */
const lookEveryMs = 1_000;

/** What has not arrived where it should, and why; which destinations are paused. */
@customElement("deliveries-page")
export class DeliveriesPage extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @state() private accessor deliveries: readonly OpenDelivery[] | undefined;
  @state() private accessor nodes: readonly Node[] = [];
  @state() private accessor error: unknown;
  @state() private accessor fault = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-4); }
      .padded { display: grid; gap: var(--gap-3); padding: var(--gap-4); }
      h2 { font-size: var(--text-normal); }
      ul { display: grid; gap: var(--gap-3); padding: 0; list-style: none; }
      .nodes li { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap-1) var(--gap-3); }
      .open li { display: grid; gap: var(--gap-1); padding-bottom: var(--gap-3); border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
      .open li:last-child { padding-bottom: 0; border-bottom: 0; }
      .paused { color: var(--warn); font-weight: 600; }
      .fault { color: var(--bad); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Fetches everything again. */
  async refresh(): Promise<void> {
    try {
      [this.deliveries, this.nodes] = await Promise.all([listOpenDeliveries(), listNodes()]);
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  /** A series changed: perhaps one of its deliveries did. */
  onEvent(event: LiveEvent): void {
    if (event.kind !== "series") return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.refresh();
    }, lookEveryMs);
  }

  override render() {
    const t = text.deliveries;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
      ${this.deliveries ? this.#content(this.deliveries) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #content(deliveries: readonly OpenDelivery[]) {
    const t = text.deliveries;
    return html`
      <section class="panel padded nodes">
        <h2>${t.nodes}</h2>
        ${this.nodes.length === 0 ? html`<p class="muted">${t.noNodes}</p>` : html`<ul>${this.nodes.map((node) => this.#node(node))}</ul>`}
      </section>
      <section class="panel padded open">
        <h2>${deliveries.length > 0 ? t.open : t.nothingTitle}</h2>
        ${
          deliveries.length > 0
            ? html`<ul>${deliveries.map((delivery) => this.#delivery(delivery))}</ul>`
            : html`<p class="muted">${t.nothing}</p>`
        }
        ${deliveries.length >= mostDeliveries ? html`<p class="muted small">${t.most(mostDeliveries)}</p>` : nothing}
      </section>
    `;
  }

  #node({ name, aeTitle, host, port, paused, waiting }: Node) {
    const t = text.deliveries;
    const label = paused ? t.resumeNode(name) : t.pauseNode(name);
    return html`<li>
      <strong><bdi>${legible(name)}</bdi></strong>
      <span class="muted small">${aeTitle}, ${host}:${port}</span>
      <span class=${paused ? "paused" : "muted"}>${paused ? t.paused : t.sending}${waiting > 0 ? `, ${t.waiting(waiting)}` : ""}</span>
      ${
        this.#mayChange
          ? html`<button class="small" aria-label=${label} @click=${() => this.#change(pauseNode(name, !paused), t.changeFailed)}>
            ${paused ? t.resume : t.pause}
          </button>`
          : nothing
      }
    </li>`;
  }

  #delivery(delivery: OpenDelivery) {
    const name = formatPersonName(delivery.patientName) || text.worklist.noName;
    return html`<li>
      <span>
        <a href=${seriesAddress(delivery.seriesId)} aria-label=${text.deliveries.openSeries(name)}><bdi>${name}</bdi></a>
        <bdi class="muted small">${[delivery.patientId, delivery.seriesDescription, delivery.rule].filter(Boolean).map(legible).join(" · ")}</bdi>
      </span>
      <delivery-list
        .deliveries=${[delivery]}
        ?mayRetry=${this.#mayChange}
        @send-again=${({ detail }: CustomEvent<DeliverySummary>) => this.#change(retryDelivery(detail.id), text.delivery.sendAgainFailed)}
      ></delivery-list>
    </li>`;
  }

  get #mayChange(): boolean {
    return this.session !== undefined && this.session.user.role !== "reviewer";
  }

  async #change(asked: Promise<void>, failed: string): Promise<void> {
    this.fault = "";
    try {
      await asked;
    } catch (error) {
      this.fault = `${failed} ${errorSentence(error)}`;
    }
    await this.refresh();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "deliveries-page": DeliveriesPage;
  }
}
