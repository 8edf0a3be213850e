/** A piece of a line; what it holds is text and nothing else. */
export type Span = { readonly kind: "text" | "strong" | "code"; readonly text: string };

/** A block of a text in simple Markdown. */
export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: "paragraph"; readonly spans: readonly Span[] }
  | { readonly kind: "list"; readonly items: readonly (readonly Span[])[] }
  | { readonly kind: "table"; readonly head: readonly (readonly Span[])[]; readonly rows: readonly (readonly (readonly Span[])[])[] };

/**
 * Headings, paragraphs, lists, tables, bold and code of a Markdown text, as values. Everything else, HTML and links above all, stays the text
 * that it is; lines that are an HTML comment are left out.
 */
export function parseMarkdown(text: string): Block[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*<!--.*-->\s*$/.test(line));
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const [, marks, title] = /^(#{1,6})\s+(.*)$/.exec(line) ?? [];
    if (line.trim() === "") at++;
    else if (marks !== undefined) {
      blocks.push({ kind: "heading", level: marks.length, spans: spansOf(title!) });
      at++;
    } else if (line.startsWith("|") && /^\|[\s:|-]+\|?\s*$/.test(lines[at + 1] ?? "")) {
      const rows = runOf(lines, at, (each) => each.startsWith("|"));
      const [head, , ...body] = rows.map((row) => cellsOf(row));
      blocks.push({ kind: "table", head: head!, rows: body });
      at += rows.length;
    } else if (isItem(line)) {
      const run = runOf(lines, at, (each) => isItem(each) || /^\s+\S/.test(each));
      const items: string[] = [];
      for (const each of run)
        if (isItem(each)) items.push(each.replace(/^\s*[-*]\s+/, ""));
        else items.push(`${items.pop()!} ${each.trim()}`);
      blocks.push({ kind: "list", items: items.map(spansOf) });
      at += run.length;
    } else {
      const run = [line, ...runOf(lines, at + 1, (each) => each.trim() !== "" && !/^(#{1,6}\s|\|)/.test(each) && !isItem(each))];
      blocks.push({ kind: "paragraph", spans: spansOf(run.join(" ")) });
      at += run.length;
    }
  }
  return blocks;
}

function isItem(line: string): boolean {
  return /^\s*[-*]\s+\S/.test(line);
}

function runOf(lines: readonly string[], from: number, belongs: (line: string) => boolean): readonly string[] {
  let end = from;
  while (end < lines.length && belongs(lines[end]!)) end++;
  return lines.slice(from, end);
}

function cellsOf(row: string): (readonly Span[])[] {
  const inner = row.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split("|").map((cell) => spansOf(cell.trim()));
}

function spansOf(text: string): Span[] {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter((part) => part !== "")
    .map((part) => {
      if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return { kind: "strong", text: part.slice(2, -2) };
      if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return { kind: "code", text: part.slice(1, -1) };
      return { kind: "text", text: part };
    });
}
