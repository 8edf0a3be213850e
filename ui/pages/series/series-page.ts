import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { DeliverySummary } from "../../../appliance/api/deliveries.ts";
import type { LiveEvent } from "../../../appliance/api/events.ts";
import type { ReviewRequest } from "../../../appliance/api/review.ts";
import type { ResultDetail, SeriesDetail, Structure } from "../../../appliance/api/series.ts";
import type { Session } from "../../../appliance/api/session.ts";
import { ApiError } from "../../api/client.ts";
import { retryDelivery } from "../../api/deliveries.ts";
import { applyEventToDetail, readSeries, readSlice, retryResult, reviewResult } from "../../api/series.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatDicomDate, formatMoment, formatPersonName, legible } from "../../text/format.ts";
import { errorSentence } from "../../text/reasons.ts";
import { layoutOf, sliceAt } from "../../viewer/camera.ts";
import type { Mark } from "../../viewer/slice-view.ts";
import { presets, type Window } from "../../viewer/window-level.ts";
import { seriesPageStyles } from "./series-page-styles.ts";
import "../../elements/delivery-list.ts";
import "../../elements/plausibility-list.ts";
import "../../elements/result-review.ts";
import "../../elements/error-notice.ts";
import "../../elements/series-state.ts";
import "../../elements/structure-table.ts";
import "../../viewer/slice-view.ts";
import "../../viewer/viewer-tools.ts";
import "./result-origin.ts";
import "./series-notice.ts";
import "./study-panel.ts";

/** One series: what became of it, its slices with the overlay, the structures found. */
@customElement("series-page")
export class SeriesPage extends LitElement {
  @property({ type: Number }) accessor seriesId = 0;
  @property({ attribute: false }) accessor session: Session | undefined;

  @state() private accessor detail: SeriesDetail | undefined;
  @state() private accessor error: unknown;
  /** The result chosen by a person; else the newest one with a label map. */
  @state() private accessor chosenId: number | undefined;
  @state() private accessor shown = 0;
  @state() private accessor window: Window = presets["soft-tissue"];
  @state() private accessor opacity = 0.4;
  @state() private accessor mode: "fill" | "outline" = "fill";
  @state() private accessor hiddenValues: ReadonlySet<number> = new Set();
  @state() private accessor mark: Mark | undefined;

  @state() private accessor deliveryFault = "";
  @state() private accessor reviewFault = "";
  @state() private accessor isReviewing = false;

  #loads = 0;
  /** Events that came while an answer was on its way: it may be older than they are. */
  #early: LiveEvent[] = [];
  /** Made once per result: a new function would make the viewer start over. */
  #loadSlice: ((k: number, signal: AbortSignal) => Promise<ArrayBuffer>) | undefined;
  #images: ResultDetail["images"] = null;
  #labels: readonly Structure[] = [];
  #viewedId: number | undefined;

  static override styles = [shared, seriesPageStyles];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("seriesId")) {
      this.detail = undefined;
      this.chosenId = undefined;
      void this.refresh();
    }
    this.#view(this.#result());
  }

  /** Fetches the series again; an answer that a later call overtook is dropped. */
  async refresh(): Promise<void> {
    const load = ++this.#loads;
    this.#early = [];
    try {
      const detail = await readSeries(this.seriesId);
      if (load !== this.#loads) return;
      [this.detail, this.error] = [detail, undefined];
      for (const event of this.#early.splice(0)) this.#apply(event);
    } catch (error) {
      if (load === this.#loads) this.error = error;
    }
  }

  onEvent(event: LiveEvent): void {
    this.#early.push(event);
    if (this.#early.length > 100) this.#early.shift();
    this.#apply(event);
  }

  #apply(event: LiveEvent): void {
    if (!this.detail) return;
    const { detail, isStale } = applyEventToDetail(this.detail, event);
    this.detail = detail;
    if (isStale) void this.refresh();
  }

  override render() {
    const t = text.series;
    const isGone = this.error instanceof ApiError && this.error.code === "not-found";
    return html`
      <a class="back" href="/">← ${text.back}</a>
      ${
        this.error
          ? html`<error-notice
            heading=${isGone ? t.gone : t.failed}
            .error=${this.error}
            ?final=${isGone}
            @retry=${this.refresh}
          ></error-notice>`
          : nothing
      }
      ${this.detail ? this.#content(this.detail) : this.error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #content(series: SeriesDetail) {
    const t = text.series;
    const result = this.#result();
    const description = [series.studyDescription, series.seriesDescription].filter(Boolean).map(legible).join(" · ");
    const completion = series.state === "receiving" ? undefined : series.completions.at(-1);
    const facts: [string, string][] = [
      [t.facts.patientId, legible(series.patientId)],
      [t.facts.studyDate, formatDicomDate(series.studyDate)],
      [t.facts.images, String(series.instanceCount)],
      [t.facts.from, legible(series.callingAeTitle)],
      [t.facts.received, formatMoment(series.lastReceivedAt, Date.now())],
      [t.facts.complete, completion ? legible(t.completion(completion)) : ""],
    ];
    return html`
      <header>
        <div class="who">
          <h1><bdi>${formatPersonName(series.patientName) || text.worklist.noName}</bdi></h1>
          <bdi class="muted">${description || text.worklist.noDescription}</bdi>
        </div>
        <series-state .series=${series}></series-state>
        <dl class="facts">
          ${facts.filter(([, value]) => value).map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`)}
        </dl>
      </header>
      <series-notice
        .series=${series}
        .result=${result ?? series.resultDetails.at(-1)}
        ?mayRetry=${this.session?.user.role !== "reviewer"}
        .retry=${retryResult}
        @retried=${this.refresh}
      ></series-notice>
      ${this.#resultChoice(series.resultDetails.filter(({ structures }) => structures))}
      ${result?.structures ? this.#resultContent(result, result.structures) : nothing}
      ${this.session?.user.role === "admin" ? html`<study-panel .studyUid=${series.studyInstanceUid} @erased=${this.#onErased}></study-panel>` : nothing}
    `;
  }

  /** There is nothing left to show. */
  readonly #onErased = (): void => {
    location.href = "/";
  };

  #resultChoice(results: readonly ResultDetail[]) {
    if (results.length < 2) return nothing;
    const chosen = this.#result()?.id;
    return html`<label class="choice">
      ${text.series.result}
      <select @change=${(event: Event) => (this.chosenId = Number((event.target as HTMLSelectElement).value))}>
        ${results.map(
          ({ id, modelTitle, modelVersion, state }) =>
            html`<option value=${id} ?selected=${id === chosen}>
              ${text.series.resultOption(id, legible(modelTitle), modelVersion)}${state === "superseded" ? `, ${text.state.superseded}` : ""}
            </option>`,
        )}
      </select>
    </label>`;
  }

  #resultContent(result: ResultDetail, structures: readonly Structure[]) {
    const images = this.#images;
    return html`
      <div class="result">
        <div class="viewer">
          ${
            images
              ? html`
                <slice-view
                  .images=${images}
                  .loadSlice=${this.#loadSlice}
                  .labels=${this.#labels}
                  .hiddenValues=${this.hiddenValues}
                  .window=${this.window}
                  .shown=${this.shown}
                  .opacity=${this.opacity}
                  .mode=${this.mode}
                  .mark=${this.mark}
                  @slice-change=${this.#onSlice}
                  @window-change=${this.#onWindow}
                ></slice-view>
                <viewer-tools
                  .shown=${this.shown}
                  .slices=${images.dims[2]}
                  .window=${this.window}
                  .opacity=${this.opacity}
                  .mode=${this.mode}
                  @slice-change=${this.#onSlice}
                  @window-change=${this.#onWindow}
                  @opacity-change=${({ detail }: CustomEvent<number>) => (this.opacity = detail)}
                  @mode-change=${({ detail }: CustomEvent<"fill" | "outline">) => (this.mode = detail)}
                ></viewer-tools>
              `
              : html`<p class="panel no-images">${text.series.imagesFailed}</p>`
          }
        </div>
          <div class="side">
          <structure-table
            class="panel"
            .structures=${structures}
            .hiddenValues=${this.hiddenValues}
            @hidden-change=${({ detail }: CustomEvent<ReadonlySet<number>>) => (this.hiddenValues = detail)}
            @go-to=${({ detail }: CustomEvent<Structure>) => this.#goTo(detail)}
          ></structure-table>
          <section class="panel padded plausibility">
            <h2>${text.plausibility.title}</h2>
            <plausibility-list .flags=${result.flags} .rules=${this.detail?.plausibilityRules ?? []}></plausibility-list>
          </section>
          <section class="panel padded review">
            <h2>${text.review.title}</h2>
            <result-review
              .resultId=${result.id}
              .review=${result.review}
              .fault=${this.reviewFault}
              ?busy=${this.isReviewing}
              ?mayReview=${this.session?.user.role !== "engineer" && isFinished(result)}
              @review=${({ detail }: CustomEvent<ReviewRequest>) => this.#judge(result.id, detail)}
            ></result-review>
          </section>
          <section class="panel padded deliveries">
            <h2>${text.series.deliveries}</h2>
            <delivery-list
              .deliveries=${result.deliveries}
              ?mayRetry=${this.session?.user.role !== "reviewer"}
              @send-again=${({ detail }: CustomEvent<DeliverySummary>) => this.#sendAgain(detail.id)}
            ></delivery-list>
            ${this.deliveryFault ? html`<p role="alert">${this.deliveryFault}</p>` : nothing}
          </section>
          </div>
          <result-origin class="panel padded" .result=${result}></result-origin>
      </div>
    `;
  }

  async #judge(resultId: number, request: ReviewRequest): Promise<void> {
    this.reviewFault = "";
    this.isReviewing = true;
    try {
      await reviewResult(resultId, request);
    } catch (error) {
      this.reviewFault = `${text.review.failed} ${errorSentence(error)}`;
    } finally {
      this.isReviewing = false;
    }
    await this.refresh();
  }

  async #sendAgain(deliveryId: number): Promise<void> {
    this.deliveryFault = "";
    try {
      await retryDelivery(deliveryId);
    } catch (error) {
      this.deliveryFault = `${text.delivery.sendAgainFailed} ${errorSentence(error)}`;
    }
    await this.refresh();
  }

  /** The result that is looked at. */
  #result(): ResultDetail | undefined {
    const results = (this.detail?.resultDetails ?? []).filter(({ structures }) => structures);
    return results.find(({ id }) => id === this.chosenId) ?? results.findLast(({ state }) => state !== "superseded") ?? results.at(-1);
  }

  /** Sets the viewer up for a result that was not looked at before: in the middle of the volume, everything shown. */
  #view(result: ResultDetail | undefined): void {
    if (result?.id === this.#viewedId && (this.#images || !result?.images)) return;
    this.#viewedId = result?.id;
    this.#images = result?.images ?? null;
    this.#labels = result?.structures ?? [];
    this.#loadSlice = result && ((k, signal) => readSlice(result.id, k, signal));
    this.hiddenValues = new Set();
    this.mark = undefined;
    this.shown = Math.floor(((this.#images?.dims[2] ?? 1) - 1) / 2);
  }

  #goTo({ centreIjk }: Structure): void {
    if (!this.#images) return;
    this.mark = centreIjk;
    this.shown = sliceAt(layoutOf(this.#images), Math.round(centreIjk[2]));
  }

  readonly #onSlice = ({ detail }: CustomEvent<number>): void => {
    this.shown = detail;
  };

  readonly #onWindow = ({ detail }: CustomEvent<Window>): void => {
    this.window = detail;
  };
}

/** Its objects are written: there is something to judge. */
function isFinished({ state }: ResultDetail): boolean {
  return ["delivering", "delivered", "delivery-failed", "held", "done"].includes(state);
}

declare global {
  interface HTMLElementTagNameMap {
    "series-page": SeriesPage;
  }
}
