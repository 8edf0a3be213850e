import PdfDocument from "pdfkit";
import { Face, type Fonts } from "./lettering.ts";
import type { Color } from "./picture.ts";

/** A name and what it is: `Study date`, `2026-11-20`. */
export type ReportLine = { readonly name: string; readonly value: string };

/** A piece of a line. */
export type Run = { readonly text: string; readonly bold?: boolean };

/** A column of a table: what stands over it, and how much of the paper's width it has. The shares of a table are taken of their sum. */
export type Column = { readonly title: string; readonly share: number; readonly align?: "left" | "right" };

/** A row: a text for each column; a square of the colour stands before the first. */
export type Row = { readonly cells: readonly string[]; readonly color?: Color };

// A4 in points, 72 to an inch.
const page = { width: 595.28, height: 841.89, left: 42, right: 553.28, top: 64, bottom: 796 };
const width = page.right - page.left;
const ink = "#1a1a1a";
const quiet = "#666666";
const rule = "#c8c8c8";
const gap = 10;
/** Of a line, to the size of its letters. */
const leading = 1.25;

type Style = { readonly size: number; readonly color?: string };
type Letters = { readonly text: string; readonly bold: boolean };

/**
 * An A4 document that is filled from the top; what does not fit goes to the next page, line by line. PDF 1.7 with its fonts inside; the same calls
 * give the same bytes.
 */
export class Paper {
  readonly #document: PDFKit.PDFDocument;
  readonly #face: Face;
  readonly #written: Promise<Uint8Array>;
  readonly #banner: string;
  readonly #software: string;
  #y = page.top;

  /**
   * @param banner said at the head and the foot of every page
   * @param software said at the foot of every page: `Segbox 0.1.0`
   * @param createdAt UTC ms; the only time in the file
   */
  constructor(options: {
    readonly title: string;
    readonly banner: string;
    readonly software: string;
    readonly createdAt: number;
    readonly fonts: Fonts;
  }) {
    const { title, banner, software, createdAt, fonts } = options;
    this.#face = new Face(fonts.regular);
    this.#banner = banner;
    this.#software = software;
    this.#document = new PdfDocument({
      size: [page.width, page.height],
      margin: 0,
      bufferPages: true,
      pdfVersion: "1.7",
      lang: "en",
      displayTitle: true,
      font: null as unknown as string, // null: none of the fonts that a reader must have; the types know no null
      info: { Title: title, Subject: banner, Creator: software, Producer: software, CreationDate: new Date(createdAt) },
    });
    const chunks: Uint8Array[] = [];
    this.#written = new Promise((resolve, reject) => {
      this.#document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      this.#document.on("end", () => resolve(Buffer.concat(chunks)));
      this.#document.on("error", reject);
    });
    this.#document.registerFont("regular", fonts.regular as Buffer);
    this.#document.registerFont("bold", fonts.bold as Buffer);
  }

  heading(text: string, size: number): void {
    this.#need(size * 3); // never alone at the foot of a page
    this.#flow([{ text, bold: true }], page.left, width, { size });
    this.#y += 6;
  }

  /** Names and values, in so many columns side by side, read down. */
  lines(lines: readonly ReportLine[], across: 1 | 2): void {
    const room = width / across;
    const nameWidth = across === 1 ? 110 : 85;
    const rows = Math.ceil(lines.length / across);
    for (let row = 0; row < rows; row++) {
      const cells = [lines[row], lines[row + rows]].slice(0, across).flatMap((line, column) => {
        if (!line) return [];
        const x = page.left + column * room;
        return [
          this.#cell(line.name, x, nameWidth - 6, { size: 9, color: quiet }),
          this.#cell(line.value, x + nameWidth, room - nameWidth - 10, { size: 9 }),
        ];
      });
      this.#rows(cells);
      this.#y += 3;
    }
    if (rows > 0) this.#y += 8;
  }

  paragraph(runs: readonly Run[]): void {
    this.#flow(runs, page.left, width, { size: 9 });
    this.#y += 6;
  }

  list(items: readonly (readonly Run[])[]): void {
    for (const item of items) {
      this.#need(9 * leading);
      this.#write("•", page.left + 2, this.#y, { size: 9 }, false);
      this.#flow(item, page.left + 12, width - 12, { size: 9 });
      this.#y += 3;
    }
    this.#y += 3;
  }

  picture(png: Uint8Array): void {
    const size = Buffer.from(png);
    const height = (width * size.readUInt32BE(20)) / size.readUInt32BE(16);
    this.#need(height);
    this.#document.image(size, page.left, this.#y, { width, height });
    this.#y += height + 14;
  }

  /** A table whose head stands on every page that it goes over. Its rows go on on the next page where one is higher than what is left. */
  table(columns: readonly Column[], rows: readonly Row[], note?: string): void {
    const shares = columns.reduce((sum, { share }) => sum + share, 0);
    let x = page.left;
    const places = columns.map((column) => {
      const place = { ...column, x, room: (width * column.share) / shares };
      x += place.room;
      return place;
    });
    const swatch = rows.some(({ color }) => color) ? 14 : 0;
    const cellsOf = (texts: readonly string[], bold: boolean): Cell[] =>
      places.map((place, at) => {
        const indent = at === 0 ? swatch : 0;
        const room = place.room - indent - (at === places.length - 1 ? 0 : gap);
        return { ...this.#cell(texts[at] ?? "", place.x + indent, room, { size: 9 }, bold), align: place.align };
      });
    const head = (): void => {
      this.#rows(
        cellsOf(
          columns.map(({ title }) => title),
          true,
        ),
      );
      this.#y += 3;
      this.#line();
    };
    this.#need(45);
    head();
    for (const { cells, color } of rows) {
      if (this.#need(9 * leading + 8)) head();
      this.#y += 3;
      if (color) this.#document.rect(page.left, this.#y + 1.5, 8, 8).fillAndStroke(hex(color), quiet);
      this.#rows(cellsOf(cells, false));
      this.#y += 2;
      this.#line();
    }
    if (note !== undefined) {
      this.#y += 5;
      this.#flow([{ text: note }], page.left, width, { size: 8, color: quiet });
    }
    this.#y += 14;
  }

  /** The file. */
  async end(): Promise<Uint8Array> {
    const { start, count } = this.#document.bufferedPageRange();
    for (let at = 0; at < count; at++) {
      this.#document.switchToPage(start + at);
      this.#document.rect(0, 0, page.width, 42).fill("#ffe9bd");
      this.#write(this.#face.drawable(this.#banner), page.left, 13, { size: 12, color: "#5c3a00" }, true);
      const foot = { size: 8, color: quiet };
      this.#write(this.#face.drawable(`${this.#software}. ${this.#banner}`), page.left, 812, foot, false);
      const number = `Page ${at + 1} of ${count}`;
      this.#write(number, page.right - this.#width(number, 8, false), 812, foot, false);
    }
    this.#document.end();
    return await this.#written;
  }

  #cell(text: string, x: number, room: number, style: Style, bold = false): Cell {
    return { lines: this.#wrapped([{ text, bold }], style.size, room), x, room, style };
  }

  /** Cells side by side, a line of each at a time. */
  #rows(cells: readonly Cell[]): void {
    const count = Math.max(1, ...cells.map(({ lines }) => lines.length));
    for (let at = 0; at < count; at++) {
      const height = Math.max(...cells.map(({ style }) => style.size)) * leading;
      this.#need(height);
      for (const { lines, x, room, style, align } of cells) {
        const line = lines[at] ?? [];
        const from = align === "right" ? x + room - this.#lengthOf(line, style.size) : x;
        this.#writeLine(line, from, style);
      }
      this.#y += height;
    }
  }

  #flow(runs: readonly Run[], x: number, room: number, style: Style): void {
    for (const line of this.#wrapped(runs, style.size, room)) {
      this.#need(style.size * leading);
      this.#writeLine(line, x, style);
      this.#y += style.size * leading;
    }
  }

  #writeLine(line: readonly Letters[], x: number, style: Style): void {
    let at = x;
    for (const { text, bold } of line) {
      this.#write(text, at, this.#y, style, bold);
      at += this.#width(text, style.size, bold);
    }
  }

  /** Lines that fit, broken between words, and inside of a word that is longer than a line. Empty text is one empty line. */
  #wrapped(runs: readonly Run[], size: number, room: number): readonly (readonly Letters[])[] {
    const lines: Letters[][] = [[]];
    let used = 0;
    const put = (text: string, bold: boolean, length: number): void => {
      const line = lines.at(-1)!;
      const last = line.at(-1);
      if (last?.bold === bold) line[line.length - 1] = { text: last.text + text, bold };
      else line.push({ text, bold });
      used += length;
    };
    const breakLine = (): void => {
      lines.push([]);
      used = 0;
    };
    for (const { text, bold = false } of runs)
      for (const word of this.#face.drawable(text).split(/(?<=[ \-/,])/)) {
        const length = this.#width(word, size, bold);
        const shown = this.#width(word.trimEnd(), size, bold);
        if (used > 0 && used + shown > room) breakLine();
        if (shown <= room) put(word, bold, length);
        else
          for (const letter of Array.from(word)) {
            const each = this.#width(letter, size, bold);
            if (used > 0 && used + each > room) breakLine();
            put(letter, bold, each);
          }
      }
    return lines;
  }

  #lengthOf(line: readonly Letters[], size: number): number {
    return line.reduce((sum, { text, bold }) => sum + this.#width(text, size, bold), 0);
  }

  #width(text: string, size: number, bold: boolean): number {
    return this.#document.font(bold ? "bold" : "regular", size).widthOfString(text);
  }

  #write(text: string, x: number, y: number, { size, color = ink }: Style, bold: boolean): void {
    this.#document
      .font(bold ? "bold" : "regular", size)
      .fillColor(color)
      .text(text, x, y, { lineBreak: false });
  }

  #line(): void {
    this.#document.moveTo(page.left, this.#y).lineTo(page.right, this.#y).lineWidth(0.5).stroke(rule);
  }

  /** Goes to a new page where so much does not fit on this one; whether it did. */
  #need(height: number): boolean {
    if (this.#y + height <= page.bottom) return false;
    this.#document.addPage();
    this.#y = page.top;
    return true;
  }
}

type Cell = {
  readonly lines: readonly (readonly Letters[])[];
  readonly x: number;
  readonly room: number;
  readonly style: Style;
  readonly align?: "left" | "right" | undefined;
};

function hex(color: readonly number[]): string {
  return `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
