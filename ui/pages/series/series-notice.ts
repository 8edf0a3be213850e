import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ResultDetail, SeriesDetail } from "../../../appliance/api/series.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatMoment } from "../../text/format.ts";
import { adviceOn, errorSentence, sentenceOf } from "../../text/reasons.ts";

type Notice = {
  readonly tone: "bad" | "warn" | "quiet" | "busy";
  readonly title: string;
  readonly sentences: readonly string[];
  readonly retryId?: number;
};

/**
 * Why there is no result, or none that arrived, and what to do about it; what is going on while one is made.
 *
 * @fires retried
 */
@customElement("series-notice")
export class SeriesNotice extends LitElement {
  @property({ attribute: false }) accessor series: SeriesDetail | undefined;
  @property({ attribute: false }) accessor result: ResultDetail | undefined;
  @property({ type: Boolean }) accessor mayRetry = false;
  @property({ attribute: false }) accessor retry: (resultId: number) => Promise<void> = async () => {};
  @state() private accessor asked: "no" | "asking" | "yes" = "no";
  @state() private accessor fault = "";

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-3); }
      .panel { display: grid; justify-items: start; gap: var(--gap-2); padding: var(--gap-4); border-left: 4px solid var(--line-strong); overflow-wrap: anywhere; }
      .bad { border-left-color: var(--bad); }
      .warn { border-left-color: var(--warn); }
      .busy { border-left-color: var(--busy); }
      h2 { font-size: var(--text-normal); }
      .bad h2, .fault { color: var(--bad); }
    `,
  ];

  override render() {
    const notices = this.series ? noticesOf(this.series, this.result) : [];
    this.hidden = notices.length === 0; // else it would take a gap of the page's grid
    return notices.map(
      ({ tone, title, sentences, retryId }) => html`
        <div class="panel ${tone}" role="status">
          <h2>${title}</h2>
          ${sentences.map((sentence) => html`<p>${sentence}</p>`)} ${retryId && this.mayRetry ? this.#retryButton(retryId) : nothing}
        </div>
      `,
    );
  }

  #retryButton(id: number) {
    const t = text.series;
    return html`
      <button ?disabled=${this.asked !== "no"} @click=${() => this.#retry(id)}>
        ${this.asked === "no" ? t.retry : this.asked === "asking" ? t.retrying : t.retried}
      </button>
      ${this.fault ? html`<span class="fault" role="alert">${t.retryFailed} ${this.fault}</span>` : nothing}
    `;
  }

  async #retry(id: number): Promise<void> {
    this.asked = "asking";
    this.fault = "";
    try {
      await this.retry(id);
      this.asked = "yes";
      this.dispatchEvent(new Event("retried"));
    } catch (error) {
      this.fault = errorSentence(error);
      this.asked = "no";
    }
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get("result") as ResultDetail | undefined;
    if (changed.has("result") && (before?.state !== this.result?.state || before?.id !== this.result?.id)) this.asked = "no";
  }
}

function noticesOf(series: SeriesDetail, result: ResultDetail | undefined): Notice[] {
  const t = text.series;
  const notices: Notice[] = [];
  if (series.differingCopies > 0) notices.push({ tone: "warn", title: t.differingTitle(series.differingCopies), sentences: [t.differing] });
  notices.push(...deletedNotices(series));
  if (series.state === "receiving") notices.push({ tone: "busy", title: t.receivingTitle, sentences: [t.receiving] });
  if (series.state === "ignored")
    notices.push({
      tone: "quiet",
      title: t.ignoredTitle,
      sentences: series.reason ? [sentenceOf(series.reason), adviceOn(series.reason, "ignored")] : [],
    });
  if (series.state === "complete" && !result) notices.push({ tone: "busy", title: t.selectingTitle, sentences: [t.selecting] });
  switch (result?.state) {
    case "waiting":
      notices.push({ tone: "quiet", title: t.waitingTitle, sentences: [t.waiting] });
      break;
    case "running":
      notices.push({ tone: "busy", title: t.runningTitle, sentences: [t.running] });
      break;
    case "encoding":
      notices.push({ tone: "busy", title: t.encodingTitle, sentences: [] });
      break;
    case "failed":
      notices.push({
        tone: "bad",
        title: t.failedTitle,
        sentences: result.reason ? [sentenceOf(result.reason), adviceOn(result.reason, "failed")] : [],
        retryId: result.id,
      });
      break;
    case "delivering": {
      const reason = result.deliveries.find((delivery) => delivery.state === "waiting" && delivery.reason)?.reason;
      if (reason) notices.push({ tone: "warn", title: t.heldTitle, sentences: [sentenceOf(reason), t.held], retryId: result.id });
      break;
    }
    case "delivery-failed": {
      const reason = result.deliveries.find((delivery) => delivery.state === "failed")?.reason;
      notices.push({
        tone: "bad",
        title: t.deliveryFailedTitle,
        sentences: reason ? [sentenceOf(reason), adviceOn(reason, "delivery-failed")] : [],
        retryId: result.id,
      });
      break;
    }
    default:
      break; // delivered, done and what is superseded need no words
  }
  return notices;
}

/** What is not here any more of a series, by its time or by a fault of the disk. */
function deletedNotices({ missingImages, imagesRemovedAt, earlierRemovedAt, instanceCount }: SeriesDetail): Notice[] {
  const t = text.deleted;
  const moment = (at: number): string => formatMoment(at, Date.now());
  const notices: Notice[] = [];
  if (missingImages > 0) notices.push({ tone: "bad", title: t.missingTitle(missingImages), sentences: [t.missing] });
  if (imagesRemovedAt !== null)
    notices.push(
      instanceCount === 0
        ? { tone: "quiet", title: t.imagesTitle, sentences: [t.images(moment(imagesRemovedAt))] }
        : { tone: "quiet", title: t.someTitle, sentences: [t.some(moment(imagesRemovedAt))] },
    );
  if (earlierRemovedAt !== null) notices.push({ tone: "quiet", title: t.anewTitle, sentences: [t.anew(moment(earlierRemovedAt))] });
  return notices;
}

declare global {
  interface HTMLElementTagNameMap {
    "series-notice": SeriesNotice;
  }
}
