import { html, type TemplateResult } from "lit";
import { type Block, parseMarkdown, type Span } from "../../../appliance/api/markdown.ts";
import { text } from "../../text/en.ts";
import { legible } from "../../text/format.ts";
import { table } from "./table.ts";

/** A model's own text as elements. Whoever wrote it, it can't bring markup: every piece of it is text to Lit. */
export function cardText(markdown: string): TemplateResult[] {
  return parseMarkdown(markdown).map(block);
}

function block(found: Block): TemplateResult {
  switch (found.kind) {
    case "heading":
      return html`<h3>${spans(found.spans)}</h3>`;
    case "paragraph":
      return html`<p>${spans(found.spans)}</p>`;
    case "list":
      return html`<ul>${found.items.map((item) => html`<li>${spans(item)}</li>`)}</ul>`;
    case "table":
      return table(
        text.models.cardTable,
        found.head.map(spans),
        found.rows.map((row) => row.map(spans)),
      );
    default:
      return found satisfies never;
  }
}

function spans(found: readonly Span[]): readonly unknown[] {
  return found.map(({ kind, text }) => {
    const shown = legible(text, 20_000);
    if (kind === "strong") return html`<strong>${shown}</strong>`;
    return kind === "code" ? html`<code>${shown}</code>` : shown;
  });
}
