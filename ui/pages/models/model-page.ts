import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ModelActivation, ModelBenchmark, ModelCard } from "../../../appliance/api/models.ts";
import { paths } from "../../../appliance/api/paths.ts";
import { modelsAddress } from "../../address.ts";
import { readModelCard } from "../../api/models.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatBytes, formatMoment, formatSeconds, legible } from "../../text/format.ts";
import { accuracyPanel } from "./accuracy-panel.ts";
import { cardText } from "./card-text.ts";
import { table } from "./table.ts";
import "../../elements/error-notice.ts";

/** All that is known of a model: what it is for and not for, its files, its structures, how its INT8 form was judged, what it does on this box. */
@customElement("model-page")
export class ModelPage extends LitElement {
  @property() accessor name = "";
  @state() private accessor card: ModelCard | undefined;
  @state() private accessor error: unknown;

  static override styles = [
    shared,
    css`
      :host { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-4); }
      section { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--gap-3); padding: var(--gap-4); overflow-wrap: anywhere; }
      .wide { overflow-x: auto; }
      table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
      th { padding: var(--gap-1) var(--gap-2); font-size: var(--text-small); font-weight: 600; color: var(--muted); text-align: left; vertical-align: bottom; }
      td { padding: var(--gap-1) var(--gap-2); border-top: 1px solid var(--line); vertical-align: top; }
      .number { text-align: right; white-space: nowrap; }
      dl { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr); gap: var(--gap-1) var(--gap-4); }
      dt { color: var(--muted); }
      code { overflow-wrap: anywhere; font-size: var(--text-small); }
      h3 { font-size: var(--text-normal); }
      .swatch { display: inline-block; width: 0.875rem; height: 0.875rem; margin-right: var(--gap-2); vertical-align: -0.1rem; }
      .verdict { padding: var(--gap-2) var(--gap-3); border-radius: var(--round); font-weight: 600; }
      .passed { background: var(--good-ground); color: var(--good); }
      .kept-fp32, .bench-only, .note { background: var(--warn-ground); color: var(--warn); }
      .note { padding: var(--gap-2) var(--gap-3); border-radius: var(--round); }
    `,
  ];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("name")) void this.refresh();
  }

  async refresh(): Promise<void> {
    const { name } = this;
    try {
      const card = await readModelCard(name);
      if (name !== this.name) return; // another one was opened meanwhile
      [this.card, this.error] = [card, undefined];
    } catch (error) {
      if (name === this.name) [this.card, this.error] = [undefined, error];
    }
  }

  override render() {
    const { card, error } = this;
    const t = text.models;
    return html`
      <p><a href=${modelsAddress}>${t.title}</a></p>
      <h1>${card ? legible(card.title) : legible(this.name)}</h1>
      ${card ? html`<p><a href=${paths.modelCardPdf(card.name)} download>${t.cardPdf}</a></p>` : nothing}
      ${error ? html`<error-notice heading=${t.cardFailed} .error=${error} @retry=${this.refresh}></error-notice>` : nothing}
      ${card ? this.#card(card) : error ? nothing : html`<p class="muted" role="status">${text.loading}</p>`}
    `;
  }

  #card(card: ModelCard): TemplateResult {
    const t = text.models;
    return html`
      ${card.notes.map((note) => html`<p class="note">${legible(note)}</p>`)}
      <section class="panel">
        <dl>
          <dt>${t.name}</dt><dd>${legible(card.name)}, ${t.version(legible(card.version))}</dd>
          <dt>${t.algorithm}</dt><dd>${legible(card.algorithm.name)} ${legible(card.algorithm.version)}</dd>
          <dt>${t.intendedUse}</dt><dd>${legible(card.intendedUse, 4000)}</dd>
          <dt>${t.notFor}</dt><dd><strong>${legible(card.notFor, 4000)}</strong></dd>
          ${card.used.map(({ file, precision, provider }) => html`<dt>${t.used}</dt><dd>${t.usedForm(precision, legible(provider), legible(file))}</dd>`)}
          <dt>${t.licence}</dt><dd>${legible(card.licence)}</dd>
          ${card.trainingData.map(({ name, licence, use, cases }) => html`<dt>${t.trainedOn}</dt><dd>${legible(name)} (${t.cases(cases)}; ${legible(licence)}): ${legible(use, 1000)}</dd>`)}
        </dl>
      </section>
      ${accuracyPanel(card.accuracy)}
      <section class="panel">${activation(card.activation)} ${benchmark(card.benchmark)}</section>
      <section class="panel">
        <h2>${t.structures(card.labels.length)}</h2>
        ${table(
          t.structures(card.labels.length),
          [t.columns.value, t.columns.structure, t.columns.name, t.columns.code],
          card.labels.map(({ value, title, name, color, code, modifiers }) => [
            `${value}`,
            html`<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="3" fill=${`rgb(${color.join(" ")})`} /></svg>${legible(title)}`,
            legible(name),
            legible([`${code.value} ${code.scheme} ${code.meaning}`, ...modifiers].join(", ")),
          ]),
          1,
        )}
      </section>
      <section class="panel">
        <h2>${t.files}</h2>
        ${table(
          t.files,
          [t.columns.file, t.columns.precision, t.columns.size, t.columns.digest],
          [
            ["manifest.json", "", "", html`<code>${card.manifestSha256}</code>`],
            ...card.forms.map(({ file, precision, barred, sizeBytes, sha256 }) => [
              legible(file),
              barred === null ? precision : html`${precision}, ${t.barred} ${legible(barred, 1000)}`,
              html`<span class="number">${formatBytes(sizeBytes)}</span>`,
              html`<code>${sha256}</code>`,
            ]),
          ],
        )}
      </section>
      ${card.card === null ? nothing : html`<section class="panel"><h2>${t.cardText}</h2>${cardText(card.card)}</section>`}
    `;
  }
}

function activation(found: ModelActivation | null): TemplateResult {
  const t = text.models;
  if (!found) return html`<h2>${t.onThisBox}</h2><p class="muted">${t.notTried}</p>`;
  return html`
    <h2>${t.onThisBox}</h2>
    <p class="muted small">${t.triedOn(legible(found.machine), legible(found.engine), formatMoment(found.at, Date.now()))}</p>
    ${table(
      t.onThisBox,
      [t.columns.file, t.columns.precision, t.columns.provider, t.columns.outcome, t.columns.detail],
      found.trials.map(({ file, precision, provider, outcome, detail }) => [
        legible(file),
        legible(precision),
        legible(provider),
        t.outcomes[outcome],
        legible(detail, 1000),
      ]),
    )}
  `;
}

function benchmark(found: ModelBenchmark | null): TemplateResult {
  const t = text.models;
  if (!found) return html`<p class="muted">${t.notMeasured}</p>`;
  const { patches, patchMs, jobMs, precision, provider, peakMemoryBytes, machine, at } = found;
  return html`<p>${t.measured(formatSeconds(jobMs), patches, formatSeconds(patchMs), formatBytes(peakMemoryBytes))}
    <span class="muted small">${t.measuredOn(legible(precision), legible(provider), legible(machine), formatMoment(at, Date.now()))}</span></p>`;
}

declare global {
  interface HTMLElementTagNameMap {
    "model-page": ModelPage;
  }
}
