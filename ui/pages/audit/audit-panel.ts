import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { AuditState } from "../../../appliance/api/audit.ts";
import { verifyAudit } from "../../api/audit.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { legible } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";

/**
 * Whether the trail's chain is whole, and how it stands with the audit server.
 *
 * @fires changed when the chain was checked again
 */
@customElement("audit-panel")
export class AuditPanel extends LitElement {
  @property({ attribute: false }) accessor audit: AuditState | undefined;
  @state() private accessor isAsking = false;
  @state() private accessor fault = "";

  static override styles = [
    shared,
    css`
      :host { display: block; }
      dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: var(--gap-2) var(--gap-4); padding: var(--gap-4); }
      dt { font-weight: 600; }
      dd { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap-2) var(--gap-3); overflow-wrap: anywhere; }
      .good { color: var(--good); }
      .bad { color: var(--bad); }
      .warn { color: var(--warn); }
      @media (max-width: 48rem) { dl { grid-template-columns: minmax(0, 1fr); } }
    `,
  ];

  override render() {
    const { audit } = this;
    if (!audit) return nothing;
    const t = text.audit;
    return html`<dl class="panel">
      <dt>${t.chain}</dt>
      <dd>
        <span role="status">${this.isAsking || audit.isChecking ? t.checking : this.#chain(audit)}</span>
        <button class="small" ?disabled=${this.isAsking} @click=${this.#verify}>${t.verify}</button>
        ${this.fault ? html`<span class="bad" role="alert">${this.fault}</span>` : nothing}
      </dd>
      <dt>${t.server}</dt>
      <dd>${this.#server(audit)}</dd>
    </dl>`;
  }

  #chain({ checked }: AuditState) {
    const t = text.audit;
    if (!checked) return t.notChecked;
    if (!checked.broken) return html`<span class="good">${t.whole(checked.entries, checked.at)}</span>`;
    return html`<strong class="bad">${t.broken(checked.broken.id, checked.broken.reason, checked.at)}</strong> ${t.brokenHelp}`;
  }

  #server({ syslog }: AuditState) {
    const t = text.audit;
    if (!syslog) return html`<span class="muted">${t.noServer}</span>`;
    const { server, isProtected, waiting, oldestAt, lastSentAt, lastError } = syslog;
    return html`
      <span class=${waiting > 0 && lastError ? "bad" : ""}>${waiting > 0 ? t.waiting(server, waiting, oldestAt) : t.sent(server, lastSentAt)}</span>
      ${lastError ? html`<span class="bad">${t.serverError(legible(lastError.message), lastError.at)}</span>` : nothing}
      ${isProtected ? nothing : html`<span class="warn">${t.unprotected}</span>`}
    `;
  }

  async #verify(): Promise<void> {
    [this.isAsking, this.fault] = [true, ""];
    try {
      await verifyAudit();
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      this.fault = `${text.audit.verifyFailed} ${errorSentence(error)}`;
    }
    this.isAsking = false;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "audit-panel": AuditPanel;
  }
}
