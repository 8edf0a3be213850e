import { createHash } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { messageOf, RefusedError } from "../../appliance/base/errors.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import { decodeNiftiCt, decodeNiftiLabels } from "../../appliance/volume/read-nifti.ts";
import { straighten } from "../../appliance/volume/restack.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";

/** A CT on the disk. */
export type CtCase = {
  /** SHA-256 over dimensions and voxels in HU, lower-case hex: the same CT under another name is the same. */
  readonly sha256: string;
  readonly load: () => Promise<CtVolume>;
  /** What a person drew, where it lies beside. */
  readonly loadLabels: (() => Promise<LabelMap>) | null;
};

/**
 * The CTs in a folder: every NIfTI file (.nii, .nii.gz), and every folder inside that holds DICOM files as one series; the folder itself too.
 * Labels of NAME.nii.gz are in NAME.labels.nii.gz beside it, numbered as the model's.
 */
export async function readCases(folder: string): Promise<readonly CtCase[]> {
  const cases: CtCase[] = [];
  for (const source of await sourcesIn(folder)) {
    const load = async (): Promise<CtVolume> => {
      if (source.kind === "nifti") return decodeNiftiCt(await unpacked(source.path));
      const files = source.paths.map((path) => ({ sopInstanceUid: path, load: () => readFile(path) }));
      return straighten((await seriesToVolume(files)).volume).volume;
    };
    const volume = await load();
    const loadLabels = source.kind === "nifti" && source.labels !== null ? labelsFor(source.labels, volume) : null;
    cases.push({ sha256: digestOf(volume), load, loadLabels });
  }
  if (cases.length === 0) throw new RefusedError("cts-missing", `there is no NIfTI file and no DICOM series in ${folder}`);
  return cases;
}

/** Refuses CTs that were both calibrated with and held out: a form must not be judged by what it was made with. */
export function refuseOverlap(calibration: readonly CtCase[], holdout: readonly CtCase[]): void {
  const made = new Set(calibration.map(({ sha256 }) => sha256));
  const both = holdout.filter(({ sha256 }) => made.has(sha256));
  if (both.length > 0)
    throw new RefusedError(
      "cts-overlap",
      `${both.length} of ${holdout.length} held-out CTs are among those to calibrate with (${both[0]!.sha256.slice(0, 12)}…); hold out others`,
    );
}

type Source = { kind: "nifti"; path: string; labels: string | null } | { kind: "dicom"; paths: readonly string[] };

const labelsSuffix = /\.labels\.nii(\.gz)?$/;

async function sourcesIn(folder: string): Promise<Source[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new RefusedError("cts-missing", `can't read the folder of CTs: ${messageOf(error)}`, { cause: error });
  });
  const sources: Source[] = [];
  const images: string[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    if ((await stat(path)).isDirectory()) sources.push(...(await sourcesIn(path)));
    else if (labelsSuffix.test(name)) continue;
    else if (/\.nii(\.gz)?$/.test(name)) {
      const stem = name.replace(/\.nii(\.gz)?$/, "");
      const labels = [`${stem}.labels.nii.gz`, `${stem}.labels.nii`].find((each) => names.includes(each));
      sources.push({ kind: "nifti", path, labels: labels === undefined ? null : join(folder, labels) });
    } else if (await isDicom(path)) images.push(path);
  }
  if (images.length > 0) sources.push({ kind: "dicom", paths: images });
  return sources;
}

/** PS3.10 7.1: DICM after 128 bytes. */
async function isDicom(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 128);
    return buffer.toString("latin1") === "DICM";
  } finally {
    await file.close();
  }
}

async function unpacked(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

function labelsFor(path: string, { grid }: CtVolume): () => Promise<LabelMap> {
  return async () => {
    const labels = decodeNiftiLabels(await unpacked(path));
    if (labels.grid.dims.join() !== grid.dims.join())
      throw new RefusedError(
        "labels-other-grid",
        `labels beside a CT have ${labels.grid.dims.join(" x ")} voxels, their CT has ${grid.dims.join(" x ")}`,
      );
    return labels;
  };
}

function digestOf({ grid, hu }: CtVolume): string {
  return createHash("sha256")
    .update(grid.dims.join("x"))
    .update(new Uint8Array(hu.buffer, hu.byteOffset, hu.byteLength))
    .digest("hex");
}
