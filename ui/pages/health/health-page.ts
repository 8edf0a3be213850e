import { css, html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Device } from "../../../appliance/api/device.ts";
import { readDevice } from "../../api/device.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatBytes } from "../../text/format.ts";
import "../../elements/error-notice.ts";

const refreshEveryMs = 10_000;
/** Above this at the 99th percentile a scanner notices. */
const wantedDelayMs = 50;

/** Whether the box is well: whether it takes images, how much room there is, and how promptly it answers. */
@customElement("health-page")
export class HealthPage extends LitElement {
  @state() private accessor device: Device | undefined;
  @state() private accessor error: unknown;
  #timer: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-4); }
      dl { display: grid; grid-template-columns: max-content 1fr; gap: var(--gap-2) var(--gap-4); padding: var(--gap-4); }
      dt { color: var(--muted); }
      .bad { color: var(--bad); font-weight: 600; }
      @media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.refresh();
    this.#timer = setInterval(() => this.refresh(), refreshEveryMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  async refresh(): Promise<void> {
    try {
      this.device = await readDevice();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  override render() {
    const t = text.health;
    return html`
      <h1>${t.title}</h1>
      ${this.error ? html`<error-notice heading=${t.failed} .error=${this.error} @retry=${this.refresh}></error-notice>` : nothing}
      ${this.device ? this.#figures(this.device) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #figures({ receiving, disk, eventLoop }: Device) {
    const t = text.health;
    const bad = (isBad: boolean): string => (isBad ? "bad" : "");
    return html`<section class="panel">
      <dl>
        <dt>${t.receiving}</dt>
        <dd class=${bad(receiving !== "open")}>${receiving === "open" ? t.open : text.receiving[receiving]}</dd>
        <dt>${t.disk}</dt>
        <dd class=${bad(disk.freeBytes < disk.minimumFreeBytes)}>
          ${t.free(formatBytes(disk.freeBytes), formatBytes(disk.totalBytes), formatBytes(disk.minimumFreeBytes))}
        </dd>
        <dt>${t.eventLoop}</dt>
        <dd class=${bad(eventLoop.p99Ms > wantedDelayMs)}>
          ${t.delay(eventLoop)}
          <div class="muted small">${t.delayHelp(wantedDelayMs)}</div>
        </dd>
      </dl>
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "health-page": HealthPage;
  }
}
