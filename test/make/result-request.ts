import type { ResultHead } from "../../appliance/dicom/header.ts";
import type { SourceAttributes, SourceSeries } from "../../appliance/dicom/source.ts";
import type { Label, ModelManifest } from "../../appliance/domain/model.ts";
import type { Grid } from "../../appliance/volume/grid.ts";
import type { LabelMap } from "../../appliance/volume/volume.ts";

/** A grid like an axial CT's: head first, supine, 0.78 mm pixels, 2.5 mm slices from the feet up. */
export function axialGrid(ni: number, nj: number, nk: number): Grid {
  return {
    dims: [ni, nj, nk],
    origin: [-199.609375, -180.25, -1042.3],
    steps: [
      [0.78125, 0, 0],
      [0, 0.78125, 0],
      [0, 0, 2.5],
    ],
  };
}

/** Turned about two axes, with pixels that are not square. */
export function obliqueGrid(ni: number, nj: number, nk: number): Grid {
  const [cosA, sinA, cosB, sinB] = [Math.cos(0.3), Math.sin(0.3), Math.cos(-0.5), Math.sin(-0.5)];
  return {
    dims: [ni, nj, nk],
    origin: [12.345678, -98.7654321, 55.5],
    steps: [
      [0.9 * cosA, 0.9 * sinA, 0],
      [-1.3 * sinA * cosB, 1.3 * cosA * cosB, 1.3 * sinB],
      [3 * sinA * sinB, -3 * cosA * sinB, 3 * cosB],
    ],
  };
}

/** Slices shifted within their planes, as a tilted gantry makes them. */
export function tiltedGrid(ni: number, nj: number, nk: number): Grid {
  const { dims, origin } = axialGrid(ni, nj, nk);
  const [cos, sin] = [Math.cos(0.26), Math.sin(0.26)];
  return {
    dims,
    origin,
    steps: [
      [0.5, 0, 0],
      [0, 0.5 * cos, -0.5 * sin],
      [0, 0, 4],
    ],
  };
}

/** By tag in hexadecimal: `"00100010"`. */
export type Texts = Readonly<Record<string, string | Uint8Array>>;

/** Attributes as a reader gives them: bytes padded to an even length. */
export function attributes(texts: Texts): SourceAttributes {
  const uids = new Set(["0020000d", "0020000e", "00200052"]);
  return new Map(
    Object.entries(texts).map(([tag, value]) => {
      const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
      const padding = bytes.length % 2 === 0 ? "" : uids.has(tag) ? "\0" : " ";
      return [Number.parseInt(tag, 16), { vr: "UN", bytes: Uint8Array.from(Buffer.concat([bytes, Buffer.from(padding)])) }];
    }),
  );
}

/** What a scanner's first image says of patient and study. */
export const plainTexts: Texts = {
  "00080020": "20261120",
  "00080030": "101112",
  "00080050": "ACC1",
  "00080090": "Referrer^Rita",
  "00100010": "Doe^Jane",
  "00100020": "PAT-1",
  "00100030": "19600102",
  "00100040": "F",
  "0020000d": "1.2.826.0.1.3680043.8.498.1",
  "0020000e": "1.2.826.0.1.3680043.8.498.2",
  "00200010": "S1",
  "00200052": "1.2.826.0.1.3680043.8.498.3",
  "00201040": "",
};

/** A CT series on a grid, one instance per slice or all slices in the frames of one. */
export function sourceSeries(
  grid: Grid,
  { texts = plainTexts, isMultiFrame = false }: { texts?: Texts; isMultiFrame?: boolean } = {},
): SourceSeries {
  const slices = Array.from({ length: grid.dims[2] }, (_, k) =>
    isMultiFrame
      ? { sopClassUid: "1.2.840.10008.5.1.4.1.1.2.1", sopInstanceUid: "1.2.826.0.1.3680043.8.498.4", frameNumber: k + 1 }
      : { sopClassUid: "1.2.840.10008.5.1.4.1.1.2", sopInstanceUid: `1.2.826.0.1.3680043.8.498.4.${k + 1}`, frameNumber: null },
  );
  return { grid, slices, attributes: attributes(texts) };
}

const colors = [
  [216, 101, 79],
  [0, 151, 206],
  [111, 184, 210],
  [241, 214, 145],
] as const;

/** A model of so many labels: kidneys, left and right in turn. */
export function manifest(labelCount: number): ModelManifest {
  const labels = Array.from({ length: labelCount }, (_, index): Label => {
    const side = index % 2 === 0 ? { value: "7771000", meaning: "Left" } : { value: "24028007", meaning: "Right" };
    return {
      value: index + 1,
      name: `kidney_${side.meaning.toLowerCase()}_${index + 1}`,
      title: `${side.meaning} kidney ${index + 1}`,
      category: { value: "123037004", scheme: "SCT", meaning: "Anatomical Structure" },
      type: { value: "64033007", scheme: "SCT", meaning: "Kidney" },
      modifiers: [{ scheme: "SCT", ...side }],
      anatomicRegion: index === 0 ? { value: "818983003", scheme: "SCT", meaning: "Abdomen" } : null,
      color: colors[index % colors.length]!,
      rtRoiInterpretedType: "ORGAN",
    };
  });
  return {
    schema: 2,
    name: "test-model",
    version: "1.2.3",
    title: "Test structures",
    intendedUse: "tests",
    notFor: "diagnosis",
    licence: "Apache-2.0",
    algorithm: { name: "nnU-Net", version: "2.5.1" },
    trainingData: [],
    parts: [
      {
        name: "main",
        nnunet: { plans: "plans.json", dataset: "dataset.json", configuration: "3d_fullres" },
        networks: [
          {
            file: "fold_0.onnx",
            sha256: "ab".repeat(32),
            sizeBytes: 1,
            precision: "fp32",
            engine: "onnx",
            input: "input",
            output: "output",
          },
        ],
      },
    ],
    crop: null,
    stepSize: 0.5,
    mirrorAxes: [],
    postprocessing: { removeSmallBlobsMm3: null, keepLargest: [] },
    labels,
  };
}

export function request(
  source: SourceSeries,
  labels: Uint8Array,
  labelCount: number,
): ResultHead & { labelMap: LabelMap; manifest: ModelManifest } {
  return {
    source,
    labelMap: { grid: source.grid, labels },
    manifest: manifest(labelCount),
    device: {
      manufacturer: "Segbox",
      modelName: "Segbox",
      deviceSerialNumber: "SB-0001",
      softwareVersions: ["0.1.0"],
      stationName: "SEGBOX1",
    },
    uids: { seriesInstanceUid: "2.25.111", sopInstanceUid: "2.25.222" },
    seriesNumber: 9001,
    seriesDescription: "Segbox: Test structures",
    createdAt: Date.UTC(2026, 10, 23, 14, 30, 15, 250),
  };
}

/** A request on a grid of 5 x 4 x 3 voxels with labels 2 and 7 of 9: label 7 in slices 0 and 2, label 2 in slice 2. */
export function twoStructures(): ReturnType<typeof request> {
  const labels = new Uint8Array(60);
  labels[0] = 7;
  labels[45] = 7;
  labels[59] = 2;
  return request(sourceSeries(axialGrid(5, 4, 3)), labels, 9);
}

/** Numbers that look random and are the same each time (mulberry32), 0..1. */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Noise with a share of background: labels touch borders and each other, with islands of one voxel, holes and touching corners. */
export function noiseLabels(grid: Grid, labelCount: number, backgroundShare: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const labels = new Uint8Array(grid.dims[0] * grid.dims[1] * grid.dims[2]);
  for (let at = 0; at < labels.length; at++) labels[at] = random() < backgroundShare ? 0 : 1 + Math.floor(random() * labelCount);
  return labels;
}
