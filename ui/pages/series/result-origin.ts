import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { paths } from "../../../appliance/api/paths.ts";
import type { ResultDetail } from "../../../appliance/api/series.ts";
import { shared } from "../../styles/shared.ts";
import { text } from "../../text/en.ts";
import { formatBytes, formatSeconds, legible } from "../../text/format.ts";

type FileName = keyof typeof text.series.files;

/** How a result was made, what it is not for, and its files. */
@customElement("result-origin")
export class ResultOrigin extends LitElement {
  @property({ attribute: false }) accessor result: ResultDetail | undefined;

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: var(--gap-3); }
      .warning { padding: var(--gap-2) var(--gap-3); background: var(--warn-ground); color: var(--warn); border-radius: var(--round); font-weight: 600; }
      dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: var(--gap-1) var(--gap-4); }
      dt { color: var(--muted); }
      dd { overflow-wrap: anywhere; }
      .files { display: flex; flex-wrap: wrap; gap: var(--gap-2); padding: 0; list-style: none; }
      .files .button { min-height: 1.9rem; font-size: var(--text-small); }
    `,
  ];

  override render() {
    const t = text.series;
    const { result } = this;
    if (!result) return nothing;
    const { record } = result;
    const known = (Object.keys(t.files) as FileName[]).filter((name) => result.files.includes(name));
    const files = [...known.map((name) => ({ name, title: t.files[name] })), ...documentsIn(result.files)];
    const rows: [string, string][] = [
      [t.made.model, `${result.modelTitle} ${result.modelVersion}`],
      [t.made.rule, result.rule],
    ];
    if (record)
      rows.push(
        [t.made.engine, `${record.provider}, ${record.precision}`],
        [t.made.time, formatSeconds(record.wallMs)],
        [t.made.memory, formatBytes(record.peakMemoryBytes)],
      );
    return html`
      <h2>${t.downloads}</h2>
      ${files.length === 0 ? html`<p class="muted">${t.noFiles}</p>` : nothing}
      <ul class="files" ?hidden=${files.length === 0}>
        ${files.map(({ name, title }) => html`<li><a class="button" href=${paths.resultFile(result.id, name)} download>${title}</a></li>`)}
      </ul>
      <h2>${t.origin}</h2>
      <p class="warning">${t.aiGenerated}</p>
      ${result.notFor ? html`<p>${legible(result.notFor)}</p>` : nothing}
      ${result.intendedUse ? html`<p class="muted">${legible(result.intendedUse)}</p>` : nothing}
      <dl>
        ${rows.map(([name, value]) => html`<dt>${name}</dt><dd><bdi>${legible(value)}</bdi></dd>`)}
        ${
          record?.notes.length
            ? html`<dt>${t.made.notes}</dt>
              <dd>${record.notes.map((note) => html`<div>${legible(note)}</div>`)}</dd>`
            : nothing
        }
      </dl>
    `;
  }
}

/** Reports and rejection notes that were written for those who have certain objects. */
function documentsIn(files: readonly string[]): { readonly name: string; readonly title: string }[] {
  return files.flatMap((name) => {
    const [, kind, number = ""] = /^(sr|rejection-note)-(\d+)\.dcm$/.exec(name) ?? [];
    if (!kind) return [];
    return [{ name, title: kind === "sr" ? text.series.reportFile(number) : text.series.noteFile(number) }];
  });
}

declare global {
  interface HTMLElementTagNameMap {
    "result-origin": ResultOrigin;
  }
}
