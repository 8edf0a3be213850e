import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { shared } from "../styles/shared.ts";
import { text } from "../text/en.ts";
import { presetNames, presets, type Window } from "./window-level.ts";

/**
 * The viewer's controls for pointer and finger.
 *
 * @fires slice-change detail: number
 * @fires window-change detail: {@link Window}
 * @fires opacity-change detail: number, 0..1
 * @fires mode-change detail: "fill" | "outline"
 */
@customElement("viewer-tools")
export class ViewerTools extends LitElement {
  @property({ type: Number }) accessor shown = 0;
  @property({ type: Number }) accessor slices = 1;
  @property({ attribute: false }) accessor window: Window = presets["soft-tissue"];
  @property({ type: Number }) accessor opacity = 0.4;
  @property({ attribute: false }) accessor mode: "fill" | "outline" = "fill";

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-3); }
      .row { display: flex; flex-wrap: wrap; gap: var(--gap-2) var(--gap-6); }
      .group { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap-1) var(--gap-2); border: 0; margin: 0; padding: 0; min-width: 0; }
      .name { font-size: var(--text-small); color: var(--muted); }
      input[type="range"] { accent-color: var(--accent); min-height: 1.75rem; }
      .slices { display: flex; align-items: center; gap: var(--gap-3); }
      .slices input { flex: 1; min-width: 0; }
      .opacity { width: 7rem; }
    `,
  ];

  override render() {
    const t = text.viewer;
    return html`
      <label class="slices">
        <span class="name">${t.sliceSlider}</span>
        <input
          type="range"
          min="1"
          max=${this.slices}
          .value=${String(this.shown + 1)}
          aria-valuetext=${t.slice(this.shown + 1, this.slices)}
          @input=${(event: Event) => this.#tell("slice-change", numberIn(event) - 1)}
        />
      </label>
      <div class="row">
        <div class="group" role="group" aria-label=${t.windowPresets}>
          ${presetNames.map((name, at) => {
            const preset = presets[name];
            const isOn = preset.level === this.window.level && preset.width === this.window.width;
            return html`<button
              class="small"
              aria-pressed=${isOn}
              aria-keyshortcuts=${at + 1}
              @click=${() => this.#tell("window-change", preset)}
            >
              ${t.presets[name]}
            </button>`;
          })}
        </div>
        <div class="group" role="group" aria-label=${t.overlay}>
          <button class="small" aria-pressed=${this.mode === "fill"} @click=${() => this.#tell("mode-change", "fill")}>${t.fill}</button>
          <button class="small" aria-pressed=${this.mode === "outline"} @click=${() => this.#tell("mode-change", "outline")}>
            ${t.outline}
          </button>
          <label class="group">
            <span class="name">${t.opacity}</span>
            <input
              class="opacity"
              type="range"
              min="0"
              max="100"
              step="5"
              .value=${String(Math.round(this.opacity * 100))}
              @input=${(event: Event) => this.#tell("opacity-change", numberIn(event) / 100)}
            />
          </label>
        </div>
      </div>
    `;
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function numberIn(event: Event): number {
  return Number((event.target as HTMLInputElement).value);
}

declare global {
  interface HTMLElementTagNameMap {
    "viewer-tools": ViewerTools;
  }
}
