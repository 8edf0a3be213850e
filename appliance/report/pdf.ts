import PdfDocument from "pdfkit";
import { Face, type Fonts } from "./lettering.ts";
import { drawPanels, type PanelsRequest } from "./panels.ts";
import { encodePng } from "./png.ts";
import { notForDiagnosis, volumeText } from "./sheet.ts";
import type { ReportStructure } from "./structure.ts";

/** A name and what it is: `Study date`, `2026-11-20`. */
export type ReportLine = { readonly name: string; readonly value: string };

export type ReportRequest = Omit<PanelsRequest, "colors"> & {
  readonly structures: readonly ReportStructure[];
  readonly title: string;
  /** Whom and what the report is about, as the caller wants it read: nothing is added. Empty for a report without identity. */
  readonly identity: readonly ReportLine[];
  /** How the result came about: model, engine, precision, software, digest of the input, … */
  readonly provenance: readonly ReportLine[];
  /** Said at the foot of every page: `Segbox 0.1.0`. */
  readonly software: string;
  /** UTC ms; the only time in the file. */
  readonly createdAt: number;
  readonly fonts: Fonts;
};

// A4 in points, 72 to an inch.
const page = { width: 595.28, height: 841.89, left: 42, right: 553.28, top: 64, bottom: 796 };
const width = page.right - page.left;
const ink = "#1a1a1a";
const quiet = "#666666";
const rule = "#c8c8c8";
const columns = { structure: page.left, volume: 300, hu: 352, notes: 366 };
const rowHeight = 15;

/**
 * A report to read or print: A4, identity, pictures, a table of all structures, where it came from; on every page that it is AI-generated
 * and not for diagnosis. PDF 1.7 with its fonts inside. The same request gives the same bytes.
 */
export async function writeReportPdf(request: ReportRequest): Promise<Uint8Array> {
  const { title, structures, createdAt, software, fonts } = request;
  const face = new Face(fonts.regular);
  const document = new PdfDocument({
    size: [page.width, page.height],
    margin: 0,
    bufferPages: true,
    pdfVersion: "1.7",
    lang: "en",
    displayTitle: true,
    font: null as unknown as string, // null: none of the fonts that a reader must have; the types know no null
    info: { Title: title, Subject: notForDiagnosis, Creator: software, Producer: software, CreationDate: new Date(createdAt) },
  });
  const chunks: Uint8Array[] = [];
  const written = new Promise<void>((resolve, reject) => {
    document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    document.on("end", resolve);
    document.on("error", reject);
  });
  document.registerFont("regular", fonts.regular as Buffer);
  document.registerFont("bold", fonts.bold as Buffer);
  const paper = new Paper(document, face);
  paper.heading(title, 17);
  paper.lines(request.identity, 2);
  const colors = new Map(structures.map(({ value, color }) => [value, color]));
  paper.picture(encodePng(drawPanels({ ...request, colors }, new Face(fonts.bold))));
  paper.table(structures);
  paper.heading("How this result came about", 11);
  paper.lines(request.provenance, 1);
  paper.headsAndFeet(software);
  document.end();
  await written;
  return Buffer.concat(chunks);
}

type TextStyle = {
  readonly bold?: boolean;
  readonly size?: number;
  readonly color?: string;
  readonly width?: number;
  readonly align?: "left" | "right";
};

/** Pages that are filled from the top; what does not fit goes to the next. */
class Paper {
  readonly #document: PDFKit.PDFDocument;
  readonly #face: Face;
  #y = page.top;

  constructor(document: PDFKit.PDFDocument, face: Face) {
    this.#document = document;
    this.#face = face;
  }

  heading(text: string, size: number): void {
    this.#need(size * 3);
    this.#text(text, page.left, this.#y, { bold: true, size, width });
    this.#y += this.#height(text, { bold: true, size, width }) + 6;
  }

  /** Names and values, in so many columns side by side, read down. */
  lines(lines: readonly ReportLine[], across: 1 | 2): void {
    const room = width / across;
    const nameWidth = across === 1 ? 110 : 85;
    const style = { size: 9, width: room - nameWidth - 10 };
    const rows = Math.ceil(lines.length / across);
    for (let row = 0; row < rows; row++) {
      const inRow = [lines[row], lines[row + rows]].slice(0, across);
      const height = Math.max(...inRow.map((line) => (line ? this.#height(line.value, style) : 0)));
      this.#need(height);
      for (const [column, line] of inRow.entries()) {
        if (!line) continue;
        const x = page.left + column * room;
        this.#text(line.name, x, this.#y, { size: 9, color: quiet, width: nameWidth - 6 });
        this.#text(line.value, x + nameWidth, this.#y, style);
      }
      this.#y += height + 3;
    }
    if (rows > 0) this.#y += 8;
  }

  picture(png: Uint8Array): void {
    const size = Buffer.from(png);
    const height = (width * size.readUInt32BE(20)) / size.readUInt32BE(16);
    this.#need(height);
    this.#document.image(size, page.left, this.#y, { width, height });
    this.#y += height + 14;
  }

  table(structures: readonly ReportStructure[]): void {
    this.#tableHead();
    if (structures.length === 0) this.#row("No structure found", null);
    for (const structure of structures) this.#row(structure.title, structure);
    if (structures.some(({ isTruncated }) => isTruncated)) {
      this.#need(20);
      const note = "≥ cut off by the field of view: the volume is that of the part within.";
      this.#text(note, page.left, this.#y + 5, { size: 8, color: quiet, width });
      this.#y += 12;
    }
    this.#y += 16;
  }

  #tableHead(): void {
    this.#need(3 * rowHeight);
    const style = { bold: true, size: 9 };
    this.#text("Structure", columns.structure, this.#y, style);
    this.#text("Volume", columns.volume - 80, this.#y, { ...style, width: 80, align: "right" });
    this.#text("Mean HU", columns.hu - 60, this.#y, { ...style, width: 60, align: "right" });
    this.#text("Notes", columns.notes, this.#y, style);
    this.#y += rowHeight;
    this.#line();
  }

  #row(title: string, structure: ReportStructure | null): void {
    const notes = [...(structure?.isTruncated ? ["cut off by the field of view"] : []), ...(structure?.flags ?? [])].join("; ");
    const titleStyle = { size: 9, width: columns.volume - 84 - columns.structure - 14 };
    const noteStyle = { size: 9, width: page.right - columns.notes };
    const height = Math.max(this.#height(title, titleStyle), this.#height(notes, noteStyle)) + 4;
    if (this.#y + height > page.bottom) {
      this.#newPage();
      this.#tableHead();
    }
    const y = this.#y + 3;
    this.#text(title, columns.structure + 14, y, titleStyle);
    if (structure) {
      this.#document.rect(columns.structure, y + 1.5, 8, 8).fillAndStroke(hex(structure.color), quiet);
      this.#text(volumeText(structure), columns.volume - 80, y, { size: 9, width: 80, align: "right" });
      this.#text(structure.meanHu.toFixed(0), columns.hu - 60, y, { size: 9, width: 60, align: "right" });
      this.#text(notes, columns.notes, y, noteStyle);
    }
    this.#y += height;
    this.#line();
  }

  /** What stands on every page, once their number is known. */
  headsAndFeet(software: string): void {
    const { start, count } = this.#document.bufferedPageRange();
    for (let at = 0; at < count; at++) {
      this.#document.switchToPage(start + at);
      this.#document.rect(0, 0, page.width, 42).fill("#ffe9bd");
      this.#text(notForDiagnosis, page.left, 13, { bold: true, size: 12, color: "#5c3a00", width });
      const foot = { size: 8, color: quiet, width };
      this.#text(`${software}. ${notForDiagnosis}`, page.left, 812, foot);
      this.#text(`Page ${at + 1} of ${count}`, page.left, 812, { ...foot, align: "right" });
    }
  }

  #text(text: string, x: number, y: number, { bold = false, size = 9, color = ink, width: room, align = "left" }: TextStyle): void {
    this.#document.font(bold ? "bold" : "regular", size).fillColor(color);
    this.#document.text(this.#face.drawable(text), x, y, { align, ...(room === undefined ? { lineBreak: false } : { width: room }) });
  }

  #height(text: string, { bold = false, size = 9, width: room = width }: TextStyle): number {
    this.#document.font(bold ? "bold" : "regular", size);
    return this.#document.heightOfString(this.#face.drawable(text) || " ", { width: room });
  }

  #line(): void {
    this.#document.moveTo(page.left, this.#y).lineTo(page.right, this.#y).lineWidth(0.5).stroke(rule);
  }

  #need(height: number): void {
    if (this.#y + height > page.bottom) this.#newPage();
  }

  #newPage(): void {
    this.#document.addPage();
    this.#y = page.top;
  }
}

function hex(color: readonly number[]): string {
  return `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
