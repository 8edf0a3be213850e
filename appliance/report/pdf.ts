import { Face, type Fonts } from "./lettering.ts";
import { drawPanels, type PanelsRequest } from "./panels.ts";
import { type Column, Paper, type ReportLine, type Row } from "./paper.ts";
import { encodePng } from "./png.ts";
import { notForDiagnosis, volumeText } from "./sheet.ts";
import type { ReportStructure } from "./structure.ts";

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

const columns: readonly Column[] = [
  { title: "Structure", share: 178 },
  { title: "Volume", share: 84, align: "right" },
  { title: "Mean HU", share: 62, align: "right" },
  { title: "Notes", share: 187 },
];

/**
 * A report to read or print: A4, identity, pictures, a table of all structures, where it came from; on every page that it is AI-generated
 * and not for diagnosis. PDF 1.7 with its fonts inside. The same request gives the same bytes.
 */
export async function writeReportPdf(request: ReportRequest): Promise<Uint8Array> {
  const { title, structures, fonts } = request;
  const paper = new Paper({ ...request, banner: notForDiagnosis });
  paper.heading(title, 17);
  paper.lines(request.identity, 2);
  const colors = new Map(structures.map(({ value, color }) => [value, color]));
  paper.picture(encodePng(drawPanels({ ...request, colors }, new Face(fonts.bold))));
  const rows = structures.length === 0 ? [{ cells: ["No structure found"] }] : structures.map(rowOf);
  const isCut = structures.some(({ isTruncated }) => isTruncated);
  paper.table(columns, rows, isCut ? "≥ cut off by the field of view: the volume is that of the part within." : undefined);
  paper.heading("How this result came about", 11);
  paper.lines(request.provenance, 1);
  return await paper.end();
}

function rowOf(structure: ReportStructure): Row {
  const notes = [...(structure.isTruncated ? ["cut off by the field of view"] : []), ...structure.flags].join("; ");
  return { color: structure.color, cells: [structure.title, volumeText(structure), structure.meanHu.toFixed(0), notes] };
}
