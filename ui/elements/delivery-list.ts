import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { DeliverySummary } from "../../appliance/api/deliveries.ts";
import { shared } from "../styles/shared.ts";
import { deliveryLineOf, maySendAgain } from "../text/delivery-states.ts";
import { text } from "../text/en.ts";
import { legible } from "../text/format.ts";

/**
 * Where a result went, object by object.
 *
 * @fires send-again with the delivery as its detail
 */
@customElement("delivery-list")
export class DeliveryList extends LitElement {
  @property({ attribute: false }) accessor deliveries: readonly DeliverySummary[] = [];
  /** Whether the person may send again what did not go. */
  @property({ type: Boolean }) accessor mayRetry = false;

  static override styles = [
    shared,
    css`
      :host { display: block; }
      ul { display: grid; gap: var(--gap-2); padding: 0; list-style: none; }
      .state { font-weight: 600; }
      .good { color: var(--good); }
      .bad { color: var(--bad); }
      .warn { color: var(--warn); }
      .reason { display: block; font-size: var(--text-small); color: var(--muted); overflow-wrap: anywhere; }
      button { margin-top: var(--gap-1); }
    `,
  ];

  override render() {
    if (this.deliveries.length === 0) return html`<p class="muted">${text.series.noDeliveries}</p>`;
    return html`<ul>
      ${this.deliveries.map((delivery) => this.#item(delivery))}
    </ul>`;
  }

  #item(delivery: DeliverySummary) {
    const { tone, state, sentences } = deliveryLineOf(delivery);
    const output = text.outputs[delivery.output];
    const destination = legible(delivery.destination);
    return html`<li>
      ${output} → <bdi>${destination}</bdi>: <span class="state ${tone}">${state}</span>
      ${sentences.map((sentence) => html`<span class="reason">${sentence}</span>`)}
      ${
        this.mayRetry && maySendAgain(delivery)
          ? html`<button
            class="small"
            aria-label=${text.delivery.sendAgainOne(output, destination)}
            @click=${() => this.dispatchEvent(new CustomEvent("send-again", { detail: delivery }))}
          >
            ${text.delivery.sendAgain}
          </button>`
          : nothing
      }
    </li>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "delivery-list": DeliveryList;
  }
}
