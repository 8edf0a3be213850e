import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ImagesInfo } from "../../appliance/api/series.ts";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { formatHu } from "../text/format.ts";
import { fit, type Layout, layoutOf, pixelAt, sliceAt } from "./camera.ts";
import type { Rgb } from "./mask-overlay.ts";
import { type Slice, SliceCache } from "./slice-cache.ts";
import { SlicePainter } from "./slice-painter.ts";
import { dragWindow, presetNames, presets, type Window } from "./window-level.ts";

export type LabelStyle = { readonly value: number; readonly title: string; readonly color: Rgb };
/** Where a person was sent: a small cross in its slice. */
export type Mark = readonly [i: number, j: number, k: number];

const wheelPixelsPerSlice = 60; // a notch of a mouse wheel is 80 to 120 and one slice; a touchpad sends many small ones
const pageSlices = 10;

/**
 * Axial slices with their labels: wheel and keys change the slice, a drag the window.
 *
 * @fires slice-change detail: number, the slice shown, 0 nearest to the head
 * @fires window-change detail: {@link Window}
 */
@customElement("slice-view")
export class SliceView extends LitElement {
  @property({ attribute: false }) accessor images: ImagesInfo | undefined;
  @property({ attribute: false }) accessor loadSlice: ((k: number, signal: AbortSignal) => Promise<ArrayBuffer>) | undefined;
  @property({ attribute: false }) accessor labels: readonly LabelStyle[] = [];
  @property({ attribute: false }) accessor hiddenValues: ReadonlySet<number> = new Set();
  @property({ attribute: false }) accessor window: Window = presets["soft-tissue"];
  /** The slice shown, 0 nearest to the head. */
  @property({ type: Number }) accessor shown = 0;
  @property({ type: Number }) accessor opacity = 0.4;
  @property({ attribute: false }) accessor mode: "fill" | "outline" = "fill";
  @property({ attribute: false }) accessor mark: Mark | undefined;

  @state() accessor #pointer: { x: number; y: number } | undefined;

  #layout: Layout | undefined;
  #cache: SliceCache | undefined;
  /** The last picture that was there; stays, dimmed, while the next one is on its way. */
  #drawn: Slice | undefined;
  readonly #painter = new SlicePainter();
  #wheelPixels = 0;
  #drag: { x: number; y: number; from: Window } | undefined;
  readonly #resize = new ResizeObserver(() => this.requestUpdate());

  static override styles = [
    shared,
    css`
      :host { display: block; position: relative; background: var(--image-ground); color: var(--image-text); border-radius: var(--round-large); overflow: hidden; }
      .frame { position: absolute; inset: 0; cursor: crosshair; touch-action: pan-y; }
      .frame:focus-visible { outline-offset: -3px; }
      canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
      canvas.waiting { opacity: 0.45; }
      .note { position: absolute; padding: var(--gap-1) var(--gap-2); font-size: var(--text-small); font-variant-numeric: tabular-nums; pointer-events: none; text-shadow: 0 0 3px #000, 0 0 2px #000; }
      .side { font-weight: 700; font-size: var(--text-normal); }
      .top-left { left: 0; top: 0; }
      .top-right { right: 0; top: 0; text-align: right; }
      .bottom-left { left: 0; bottom: 0; }
      .bottom-right { right: 0; bottom: 0; text-align: right; }
      .left { left: 0; top: 50%; transform: translateY(-50%); }
      .right { right: 0; top: 50%; transform: translateY(-50%); }
      .top { top: 0; left: 50%; transform: translateX(-50%); }
      .bottom { bottom: 0; left: 50%; transform: translateX(-50%); }
      .origin { max-width: 46%; color: var(--image-muted); }
      .failed { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: var(--gap-3); background: rgb(0 0 0 / 0.7); }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize.observe(this);
    // not in the template: it must be able to keep the page from scrolling, so it can't be passive
    this.addEventListener("wheel", this.#onWheel, { passive: false });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
    this.removeEventListener("wheel", this.#onWheel);
    this.#cache?.close();
    this.#cache = undefined;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("images") || changed.has("loadSlice") || !this.#cache) this.#start();
    if (this.#layout) this.#cache?.want(sliceAt(this.#layout, this.shown));
  }

  override updated(): void {
    this.#draw();
  }

  override render() {
    const layout = this.#layout;
    const cache = this.#cache;
    if (!layout || !cache) return nothing;
    const k = sliceAt(layout, this.shown);
    const drawn = cache.get(k) ?? this.#drawn;
    const state = cache.state(k);
    const { sides } = layout;
    return html`
      <div
        class="frame"
        tabindex="0"
        role="application"
        aria-label=${text.viewer.label(this.shown + 1, layout.slices)}
        aria-describedby="help"
        @keydown=${this.#onKey}
        @pointerdown=${this.#onPointerDown}
        @pointermove=${this.#onPointerMove}
        @pointerup=${this.#onPointerUp}
        @pointercancel=${this.#onPointerUp}
        @pointerleave=${() => (this.#pointer = undefined)}
      >
        <canvas class=${state === "here" ? "" : "waiting"} data-slice=${drawn ? sliceAt(layout, drawn.k) : ""}></canvas>
      </div>
      <span id="help" class="hidden-text">${text.viewer.help}</span>
      <span class="note side left">${sides.left}</span>
      <span class="note side right">${sides.right}</span>
      <span class="note side top">${sides.top}</span>
      <span class="note side bottom">${sides.bottom}</span>
      <span class="note top-left">
        ${text.viewer.slice((drawn ? sliceAt(layout, drawn.k) : this.shown) + 1, layout.slices)}
        ${state === "loading" ? html`<br />${text.viewer.loading}` : nothing}
      </span>
      <span class="note top-right">${text.viewer.window(this.window.level, this.window.width)}</span>
      <span class="note bottom-left" data-pick>${this.#pick(drawn)}</span>
      <span class="note bottom-right origin">${text.series.aiGenerated}</span>
      ${
        state === "failed"
          ? html`<div class="failed" role="alert">
            <span>${text.viewer.failed}</span>
            <button @click=${() => this.#retry(k)}>${text.tryAgain}</button>
          </div>`
          : nothing
      }
    `;
  }

  #start(): void {
    this.#cache?.close();
    this.#cache = undefined;
    this.#drawn = undefined;
    const { images, loadSlice } = this;
    this.#layout = images && layoutOf(images);
    if (images && loadSlice && this.isConnected) this.#cache = new SliceCache(loadSlice, images.dims, () => this.requestUpdate());
  }

  #retry(k: number): void {
    this.#cache?.retry(k);
    this.requestUpdate();
  }

  #draw(): void {
    const layout = this.#layout;
    const canvas = this.renderRoot.querySelector("canvas");
    if (!layout || !canvas) return;
    const k = sliceAt(layout, this.shown);
    this.#drawn = this.#cache?.get(k) ?? this.#drawn;
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    if (!this.#drawn) return;
    const palette = new Map(this.labels.filter(({ value }) => !this.hiddenValues.has(value)).map(({ value, color }) => [value, color]));
    this.#painter.paint(canvas, {
      slice: this.#drawn,
      layout,
      window: this.window,
      palette,
      opacity: this.opacity,
      mode: this.mode,
      mark: this.mark?.[2] === this.#drawn.k ? this.mark : undefined,
      pixelRatio: ratio,
    });
  }

  /** HU and label under the pointer, of the picture that is drawn. */
  #pick(drawn: Slice | undefined) {
    const layout = this.#layout;
    if (!layout || !drawn || !this.#pointer) return nothing;
    const at = pixelAt(layout, fit(layout, this.clientWidth, this.clientHeight), this.#pointer.x, this.#pointer.y);
    if (!at) return nothing;
    const index = at.i + layout.columns * at.j;
    const value = drawn.labels[index];
    const title = this.labels.find((label) => label.value === value)?.title;
    return html`${text.viewer.hu(formatHu(drawn.hu[index] ?? 0))}${title ? html`<br />${title}` : nothing}`;
  }

  #show(slice: number): void {
    const last = (this.#layout?.slices ?? 1) - 1;
    const shown = Math.min(Math.max(slice, 0), last);
    if (shown !== this.shown) this.dispatchEvent(new CustomEvent("slice-change", { detail: shown }));
  }

  #setWindow(window: Window): void {
    this.dispatchEvent(new CustomEvent("window-change", { detail: window }));
  }

  readonly #onWheel = (event: WheelEvent): void => {
    if (event.ctrlKey) return; // the browser's own zoom
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 40;
    if (Math.sign(pixels) !== Math.sign(this.#wheelPixels)) this.#wheelPixels = 0;
    this.#wheelPixels += pixels;
    if (Math.abs(this.#wheelPixels) < wheelPixelsPerSlice) return;
    this.#wheelPixels = 0;
    this.#show(this.shown + Math.sign(pixels));
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = (this.#layout?.slices ?? 1) - 1;
    const slices: Readonly<Record<string, number>> = {
      ArrowUp: this.shown - 1,
      ArrowLeft: this.shown - 1,
      ArrowDown: this.shown + 1,
      ArrowRight: this.shown + 1,
      PageUp: this.shown - pageSlices,
      PageDown: this.shown + pageSlices,
      Home: 0,
      End: last,
    };
    const slice = slices[event.key];
    const preset = presetNames[Number(event.key) - 1];
    if (slice !== undefined) this.#show(slice);
    else if (preset) this.#setWindow(presets[preset]);
    else return;
    event.preventDefault();
  };

  readonly #onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls the page; the tools below set the window
    this.#drag = { x: event.clientX, y: event.clientY, from: this.window };
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  };

  readonly #onPointerMove = (event: PointerEvent): void => {
    const { left, top } = this.getBoundingClientRect();
    this.#pointer = { x: event.clientX - left, y: event.clientY - top };
    if (this.#drag) this.#setWindow(dragWindow(this.#drag.from, event.clientX - this.#drag.x, event.clientY - this.#drag.y));
  };

  readonly #onPointerUp = (): void => {
    this.#drag = undefined;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "slice-view": SliceView;
  }
}
