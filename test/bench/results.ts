/**
 * `npm run bench:results`: what each output of a large result costs, 117 structures in 512 x 512 x 800 voxels. Each round is a process of its
 * own, as in the service: it makes the label map, then writes the one output to a file. Prints a table; judges nothing, since what a machine
 * is busy with beside it counts too. `-- --slices 100 --rounds 1` for a quick look.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { encodeEncapsulatedPdf } from "../../appliance/dicom/encapsulated-pdf.ts";
import { jpegLsFrames, rleFrames } from "../../appliance/dicom/frame-compression.ts";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSecondaryCapture } from "../../appliance/dicom/secondary-capture.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { encodeSr } from "../../appliance/dicom/sr.ts";
import { writeReportPdf } from "../../appliance/report/pdf.ts";
import { drawSheet } from "../../appliance/report/sheet.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import { labelSurfaces } from "../../appliance/volume/mesh.ts";
import { encodeObj, encodeStl } from "../../appliance/volume/mesh-files.ts";
import { encodeNifti } from "../../appliance/volume/nifti.ts";
import type { CtVolume } from "../../appliance/volume/volume.ts";
import { reportFonts } from "../make/report-fonts.ts";
import { axialGrid, request, sourceSeries } from "../make/result-request.ts";
import { structureCount, structuredLabels } from "./structured-labels.ts";

type Head = ReturnType<typeof request>;
type Pieces = Iterable<Uint8Array>;
/** What an output is made of. The volume and what was measured in it are there before the clock runs, for outputs that show them. */
type Parts = Head & { readonly volume: CtVolume; readonly measures: ReturnType<typeof measureLabels> };
type Output = {
  readonly name: string;
  readonly goal?: string;
  readonly write: ((head: Head) => Pieces) | null;
  readonly writeWithVolume?: (parts: Parts) => Pieces | Promise<Pieces>;
};

const jpegLs = await jpegLsFrames();

const outputs: readonly Output[] = [
  { name: "SEG", goal: "20 s, 300 MB", write: encodeSeg },
  { name: "Label Map SEG", goal: "5 s, 300 MB", write: encodeSegLabelmap },
  { name: "Label Map SEG, RLE", goal: "5 s, 300 MB", write: (head) => encodeSegLabelmap({ ...head, compression: rleFrames }) },
  { name: "Label Map SEG, JPEG-LS", goal: "5 s, 300 MB", write: (head) => encodeSegLabelmap({ ...head, compression: jpegLs }) },
  { name: "RTSTRUCT", goal: "60 s, 300 MB", write: encodeRtstruct },
  { name: "RTSTRUCT, simplified", goal: "60 s, 300 MB", write: (head) => encodeRtstruct({ ...head, simplifyMm: 0.3 }) },
  { name: "NIfTI", write: ({ labelMap, manifest }) => [encodeNifti(labelMap, manifest.labels)] },
  { name: "STL, each structure", write: (head) => meshesOf(head).flatMap((mesh) => encodeStl(mesh)) },
  { name: "OBJ, all structures", write: (head) => encodeObj(meshesOf(head), "labels.mtl") },
  {
    name: "Statistics",
    write: null,
    writeWithVolume: ({ volume, labelMap }) => [Buffer.from(JSON.stringify(measureLabels(volume, labelMap)))],
  },
  {
    name: "SR",
    write: null,
    writeWithVolume: ({ measures, ...head }) =>
      encodeSr({
        ...head,
        structures: measures.map((measure) => ({ ...measure, flags: [] })),
        segmentation: null,
        checks: [],
        provenance: [],
        record: {},
        predecessor: null,
        review: null,
      }),
  },
  {
    name: "Secondary capture",
    write: null,
    writeWithVolume: (parts) => encodeSecondaryCapture({ ...parts, picture: drawSheet({ ...drawn(parts), model: "test-model 1.2.3" }) }),
  },
  {
    name: "PDF",
    write: null,
    writeWithVolume: async (parts) => {
      const pdf = await writeReportPdf({ ...drawn(parts), identity: [], provenance: [], createdAt: parts.createdAt });
      return encodeEncapsulatedPdf({ ...parts, pdf, documentTitle: "Report", identifiesPatient: false });
    },
  },
];

function meshesOf({ labelMap, manifest }: Head) {
  return labelSurfaces(labelMap).map((mesh) => ({ label: manifest.labels[mesh.value - 1]!, mesh }));
}

function drawn({ volume, labelMap, manifest, measures }: Parts) {
  const structures = measures.map(({ value, volumeMl, meanHu, touchesBorder }) => {
    const { title, color } = manifest.labels[value - 1]!;
    return { value, title, color, volumeMl, meanHu, isTruncated: touchesBorder, flags: [] };
  });
  return { volume, labelMap, structures, title: "Report", software: "Segbox 0.1.0", fonts: reportFonts };
}

type Round = { readonly seconds: number; readonly peakMb: number; readonly sizeMb: number; readonly frames: number };

/** Linux's own account: resident memory, and its highest mark since it was last reset. */
function residentMb(what: "VmRSS" | "VmHWM"): number {
  return Number(readFileSync("/proc/self/status", "latin1").match(new RegExp(`${what}:\\s+(\\d+)`))![1]) / 1000;
}

async function oneRound(output: Output, slices: number): Promise<Round> {
  const grid = axialGrid(512, 512, slices);
  const { labels, frames } = structuredLabels(grid);
  const head = request(sourceSeries(grid), labels, structureCount);
  let parts: Parts | null = null;
  if (output.writeWithVolume) {
    const hu = new Int16Array(labels.length);
    for (let at = 0; at < hu.length; at++) hu[at] = (labels[at] === 0 ? -100 : labels[at]!) + (at % 61) - 30;
    const volume = { grid, hu };
    parts = { ...head, volume, measures: measureLabels(volume, head.labelMap) };
  }
  globalThis.gc?.();
  writeFileSync("/proc/self/clear_refs", "5"); // resets the highest mark, proc(5)
  const before = residentMb("VmRSS");
  const folder = mkdtempSync(join(tmpdir(), "segbox-bench-"));
  try {
    const file = openSync(join(folder, "output"), "w");
    const began = performance.now();
    let size = 0;
    for (const piece of parts ? await output.writeWithVolume!(parts) : output.write!(head)) {
      size += piece.length;
      for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at);
    }
    const seconds = (performance.now() - began) / 1000;
    closeSync(file);
    return { seconds, peakMb: residentMb("VmHWM") - before, sizeMb: size / 1e6, frames };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inChild(name: string, slices: number): Round {
  const script = ["--expose-gc", import.meta.filename, "--output", name, "--slices", String(slices)];
  const { status, stdout, stderr } = spawnSync(process.execPath, script, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (status !== 0) throw new Error(`${name} ended with ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const { values } = parseArgs({
  options: {
    output: { type: "string" },
    slices: { type: "string", default: "800" },
    rounds: { type: "string", default: "3" },
  },
});
const slices = Number(values.slices);
const own = outputs.find(({ name }) => name === values.output);
if (own) process.stdout.write(JSON.stringify(await oneRound(own, slices)));
else {
  const { length: cores, 0: cpu } = cpus();
  const load = loadavg()[0]!.toFixed(1);
  console.log(`${structureCount} structures in 512 x 512 x ${slices} voxels; medians of ${values.rounds}`);
  console.log(`${cpu?.model ?? "unknown processor"}, ${cores} cores (load ${load} before), Node ${process.versions.node}\n`);
  console.log("| output | size | time | memory above | goal |\n| --- | --- | --- | --- | --- |");
  for (const { name, goal = "" } of outputs) {
    const rounds = Array.from({ length: Number(values.rounds) }, () => inChild(name, slices));
    const of = (key: keyof Round) => median(rounds.map((round) => round[key]));
    const size = name === "SEG" ? `${of("sizeMb").toFixed(0)} MB, ${of("frames")} frames` : `${of("sizeMb").toFixed(1)} MB`;
    console.log(`| ${name} | ${size} | ${of("seconds").toFixed(1)} s | ${of("peakMb").toFixed(0)} MB | ${goal} |`);
  }
}
