import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { DeliverySummary, Node, OpenDelivery } from "../../../appliance/api/deliveries.ts";
import type { LiveEvent } from "../../../appliance/api/events.ts";
import type { NodeTestResult } from "../../../appliance/api/nodes.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { seriesAddress } from "../../address.ts";
import { listNodes, listOpenDeliveries, mostDeliveries, pauseNode, retryDelivery, testNode } from "../../api/deliveries.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatMoment, formatPersonName, legible } from "../../text/format.ts";
import { errorSentence, sentenceOf } from "../../text/reasons.ts";
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
  /** What the tests of this page came to; `undefined` while one runs. */
  @state() private accessor tests: ReadonlyMap<string, NodeTestResult | undefined> = new Map();
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
      .services { flex-basis: 100%; overflow-wrap: anywhere; }
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

  #node({ name, aeTitle, host, port, paused, waiting, services, found }: Node) {
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
          </button>
          <button class="small" aria-label=${t.testNode(name)} @click=${() => this.#test(name)}>${t.test}</button>`
          : nothing
      }
      <span class="services muted small">
        ${t.services(services.map((each) => t.serviceNames[each]))}${
          found
            ? `; ${t.found(
                found.services.map((each) => t.serviceNames[each]),
                formatMoment(found.at, Date.now()),
              )}`
            : ""
        }
      </span>
      ${this.tests.has(name) ? this.#testLine(this.tests.get(name)) : nothing}
    </li>`;
  }

  #testLine(test: NodeTestResult | undefined) {
    const t = text.deliveries;
    if (!test) return html`<span class="services" role="status">${t.testing}</span>`;
    if (test.answered) return html`<span class="services" role="status">${t.answered(Math.round(test.tookMs))}</span>`;
    const link = t.links[test.reason.code];
    return html`<span class="services fault" role="alert">${link ? `${link}: ` : ""}${sentenceOf(test.reason)}</span>`;
  }

  async #test(name: string): Promise<void> {
    this.fault = "";
    this.tests = new Map(this.tests).set(name, undefined);
    try {
      this.tests = new Map(this.tests).set(name, await testNode(name));
    } catch (error) {
      this.fault = `${text.deliveries.changeFailed} ${errorSentence(error)}`;
      const tests = new Map(this.tests);
      tests.delete(name);
      this.tests = tests;
    }
    await this.refresh();
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
