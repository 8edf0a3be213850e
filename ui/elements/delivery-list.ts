import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { DeliverySummary } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { formatMoment, legible } from "../text/format.ts";
import { sentenceOf } from "../text/reasons.ts";

/** Where a result went, object by object. */
@customElement("delivery-list")
export class DeliveryList extends LitElement {
  @property({ attribute: false }) accessor deliveries: readonly DeliverySummary[] = [];

  static override styles = [
    shared,
    css`
      :host { display: block; }
      ul { display: grid; gap: var(--gap-2); padding: 0; list-style: none; }
      .state { font-weight: 600; }
      .delivered { color: var(--good); }
      .failed { color: var(--bad); }
      .held { color: var(--warn); }
      .reason { display: block; font-size: var(--text-small); color: var(--muted); overflow-wrap: anywhere; }
    `,
  ];

  override render() {
    if (this.deliveries.length === 0) return html`<p class="muted">${text.series.noDeliveries}</p>`;
    return html`<ul>
      ${this.deliveries.map(
        (delivery) => html`<li>
          ${text.outputs[delivery.output]} → <bdi>${legible(delivery.destination)}</bdi>:
          <span class="state ${delivery.state === "waiting" && delivery.reason ? "held" : delivery.state}">${stateOf(delivery)}</span>
          ${delivery.reason ? html`<span class="reason">${sentenceOf(delivery.reason)}</span>` : nothing}
        </li>`,
      )}
    </ul>`;
  }
}

function stateOf({ state, attempts, deliveredAt }: DeliverySummary): string {
  if (state === "waiting") return text.delivery.waiting(attempts);
  return state === "delivered"
    ? text.delivery.delivered(deliveredAt === null ? "" : formatMoment(deliveredAt, Date.now()))
    : text.delivery.failed;
}

declare global {
  interface HTMLElementTagNameMap {
    "delivery-list": DeliveryList;
  }
}
