import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ReviewRequest, ReviewSummary } from "../../appliance/api/review.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { formatMoment, legible } from "../text/format.ts";

/**
 * What a person made of a result, and the way to say so: accept, or reject with the reason. One result at a time, on purpose.
 *
 * @fires review with the request as detail
 */
@customElement("result-review")
export class ResultReview extends LitElement {
  /** Another result begins with an empty form. */
  @property({ type: Number }) accessor resultId = 0;
  @property({ attribute: false }) accessor review: ReviewSummary | null = null;
  @property({ type: Boolean }) accessor mayReview = false;
  @property({ type: Boolean }) accessor busy = false;
  @property() accessor fault = "";
  @state() private accessor isRejecting = false;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-2); justify-items: start; }
      form { display: grid; gap: var(--gap-2); width: 100%; justify-items: start; }
      textarea { width: 100%; min-height: 4rem; font: inherit; box-sizing: border-box; }
      .buttons { display: flex; flex-wrap: wrap; gap: var(--gap-2); }
      .accepted { color: var(--good); }
      .rejected, .fault { color: var(--bad); }
      p { overflow-wrap: anywhere; }
    `,
  ];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("review") || changed.has("resultId")) this.isRejecting = false;
  }

  override render() {
    const t = text.review;
    const { review } = this;
    return html`
      ${
        review
          ? html`<p class=${review.verdict}>
            <strong>${t[review.verdict]}</strong> ${t.by(legible(review.by), formatMoment(review.at, Date.now()))}
            ${review.reason ? html`<br />${legible(review.reason)}` : nothing}
          </p>`
          : html`<p class="muted">${t.none}</p>`
      }
      ${this.mayReview && review?.verdict !== "rejected" ? (this.isRejecting ? this.#rejection() : this.#buttons()) : nothing}
      ${this.fault ? html`<p class="fault" role="alert">${this.fault}</p>` : nothing}
    `;
  }

  #buttons() {
    const t = text.review;
    return html`<div class="buttons">
      ${
        this.review
          ? nothing
          : html`<button class="primary" ?disabled=${this.busy} @click=${() => this.#tell({ verdict: "accepted" })}>${t.accept}</button>`
      }
      <button ?disabled=${this.busy} @click=${() => (this.isRejecting = true)}>${t.reject}</button>
    </div>`;
  }

  #rejection() {
    const t = text.review;
    return html`<form @submit=${this.#reject}>
      <label for="reason">${t.why}</label>
      <textarea id="reason" name="reason" required minlength="3" maxlength="500"></textarea>
      <p class="muted small">${t.rejectMeans}</p>
      <div class="buttons">
        <button class="primary" ?disabled=${this.busy}>${t.rejectNow}</button>
        <button type="button" @click=${() => (this.isRejecting = false)}>${t.back}</button>
      </div>
    </form>`;
  }

  #reject(event: SubmitEvent): void {
    event.preventDefault();
    const reason = String(new FormData(event.target as HTMLFormElement).get("reason")).trim();
    if (reason.length >= 3) this.#tell({ verdict: "rejected", reason });
  }

  #tell(detail: ReviewRequest): void {
    this.dispatchEvent(new CustomEvent<ReviewRequest>("review", { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "result-review": ResultReview;
  }
}
