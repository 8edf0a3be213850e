import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import codecs from "dcmjs-codecs";
import { readInstanceHeader } from "../../../appliance/dicom/instance-header.ts";
import { readSourceSeries, type SeriesFile, seriesToVolume } from "../../../appliance/dicom/series-to-volume.ts";
import { type Ijk, lpsToIjk } from "../../../appliance/volume/grid.ts";
import { type CtSeriesOptions, makeCtSeries, seriesFiles, uidOf } from "../../make/ct-series.ts";
import { type MadeDataSet, makePart10, syntaxes } from "../../make/part10.ts";

const data = "test/data";

function folder(pattern: string): SeriesFile[] {
  return globSync(`${data}/${pattern}`).map((path) => ({
    sopInstanceUid: readInstanceHeader(readFileSync(path)).sopInstanceUid,
    load: () => readFile(path),
  }));
}

const made = (options: CtSeriesOptions = {}): SeriesFile[] => seriesFiles(makeCtSeries(options));
const ramp = (i: number, j: number, k: number): number => 100 * k + 10 * j + i - 500;

function expectRamp(hu: Int16Array, [ni, nj, nk]: Ijk): void {
  for (let k = 0; k < nk; k++)
    for (let j = 0; j < nj; j++) for (let i = 0; i < ni; i++) assert.equal(hu[i + ni * (j + nj * k)], ramp(i, j, k));
}

test("a series becomes a volume in HU, i fastest, whatever the order of its files", async () => {
  const files = made({ hu: ramp });
  const { volume, source, notes } = await seriesToVolume([files[3]!, files[0]!, files[4]!, files[2]!, files[1]!]);
  assert.deepEqual(volume.grid, {
    dims: [8, 6, 5],
    origin: [-10, -20, -30],
    steps: [
      [0.8, 0, 0],
      [0, 0.7, 0],
      [0, 0, 2.5],
    ],
  });
  expectRamp(volume.hu, volume.grid.dims);
  assert.deepEqual(
    source.slices.map(({ sopInstanceUid }) => sopInstanceUid),
    [0, 1, 2, 3, 4].map((k) => uidOf(`ct/${k}`)),
  );
  assert.equal(Buffer.from(source.attributes.get(0x00200013)!.bytes).toString(), "1 ");
  assert.deepEqual(notes, []);
});

/** Ways to store the same ramp. */
const storages: readonly (readonly [string, CtSeriesOptions])[] = [
  ["implicit VR", { transferSyntaxUid: syntaxes.implicitLittle }],
  ["big endian", { transferSyntaxUid: syntaxes.explicitBig }],
  ["deflated", { transferSyntaxUid: syntaxes.deflated }],
  ["unsigned 12 bits", { signed: false, bitsStored: 12 }],
  ["a slope and an intercept of its own per slice", { slope: (k) => 0.5 + 0.25 * (k % 2), intercept: (k) => -1000 + k, hu: ramp }],
  ["signed without intercept", { intercept: () => 0 }],
];

for (const [what, options] of storages)
  test(`the same values come out of ${what}`, async () => {
    const { volume } = await seriesToVolume(made({ hu: ramp, ...options }));
    expectRamp(volume.hu, volume.grid.dims);
  });

test("the same values come out of compressed slices", async () => {
  await codecs.NativeCodecs.initializeAsync();
  const encodings = [
    [syntaxes.jpeg2000, "encodeJpeg2000"],
    [syntaxes.jpegLs, "encodeJpegLs"],
    [syntaxes.rle, "encodeRle"],
    [syntaxes.htj2k, "encodeHtJpeg2000"],
  ] as const;
  for (const [transferSyntaxUid, encode] of encodings) {
    const compress = (pixels: Uint8Array): Uint8Array =>
      codecs.NativeCodecs[encode](
        new codecs.Context({
          width: 64,
          height: 48,
          bitsAllocated: 16,
          bitsStored: 16,
          samplesPerPixel: 1,
          pixelRepresentation: 1,
          planarConfiguration: 0,
          photometricInterpretation: "MONOCHROME2",
          decodedBuffer: pixels,
        }),
        { lossy: false },
      ).getEncodedBuffer()!;
    const { volume } = await seriesToVolume(made({ dims: [64, 48, 3], hu: ramp, transferSyntaxUid, compress }));
    expectRamp(volume.hu, volume.grid.dims);
  }
});

test("the source alone has the grid, slices and attributes that the volume's source has", async () => {
  const files = made({ hu: ramp });
  const { source } = await seriesToVolume(files);
  assert.deepEqual(await readSourceSeries(files), { ...source, notes: [] });
});

test("progress counts slices, and an abort ends the reading", async () => {
  const seen: number[] = [];
  const abort = new AbortController();
  const onProgress = (done: number, total: number): void => {
    assert.equal(total, 5);
    seen.push(done);
    if (done === 3) abort.abort(new Error("enough"));
  };
  await assert.rejects(seriesToVolume(made(), { onProgress, signal: abort.signal }), { message: "enough" });
  assert.deepEqual(seen, [1, 2, 3]);
});

test("the example series lies where TotalSegmentator puts its label map", async () => {
  const { volume } = await seriesToVolume(folder("example-ct/*"));
  const nifti = gunzipSync(readFileSync(`${data}/example-ct-totalsegmentator.nii.gz`));
  const dims = [1, 2, 3].map((axis) => nifti.readInt16LE(40 + 2 * axis));
  const row = (r: number): number[] => [0, 1, 2, 3].map((c) => nifti.readFloatLE(280 + 16 * r + 4 * c));
  const affine = [row(0), row(1), row(2)];
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
    const ras = affine.map((r) => [0, 1, 2].reduce((sum, axis) => sum + r[axis]! * ((bits >> axis) & 1) * (dims[axis]! - 1), r[3]!));
    return lpsToIjk(volume.grid, [-ras[0]!, -ras[1]!, ras[2]!]);
  });
  assert.deepEqual(dims.toSorted(), volume.grid.dims.toSorted());
  // Each corner of theirs is a corner of ours; float32 affines of 500 mm leave 3e-5 mm.
  for (const corner of corners)
    for (const [axis, index] of corner.entries())
      assert.ok(Math.min(Math.abs(index), Math.abs(index - volume.grid.dims[axis]! + 1)) < 1e-3, `${corner}`);
  assert.equal(new Set(corners.map((corner) => corner.map(Math.round).join())).size, 8);
});

test("three single-frame slices and their multi-frame conversion give the same volume, and frames are named", async () => {
  const single = await seriesToVolume(folder("ct-corpus/tiny-23x38x3/*"));
  const multi = await seriesToVolume(folder("ct-corpus/tiny-23x38x3-multiframe/*"));
  assert.deepEqual(single.volume.grid.dims, [23, 38, 3]);
  assert.deepEqual(multi.volume, single.volume);
  assert.deepEqual(
    multi.source.slices.map(({ frameNumber }) => frameNumber),
    [1, 2, 3],
  );
});

/** Real series that must not be segmented, and why. */
const refusals: readonly (readonly [pattern: string, code: string, message: RegExp])[] = [
  ["ct-corpus/ge-lightspeed16-missing-slice/*", "slices-uneven", /every 5\.00 mm, found 10\.00 mm after instance 9 at 28\.11 mm/],
  ["ct-corpus/ge-lightspeed-plus-gap/*", "slices-uneven", /every 1\.25 mm, found 202\.50 mm after instance 18/],
  ["ct-corpus/siemens-not-a-volume/*", "slices-not-a-volume", /4 images lie at 1 position/],
  ["ct-corpus/philips-localizer/*", "localizer", /localizer/],
  ["ct-corpus/philips-exam-summary/*", "not-ct", /SOP class 1\.2\.840\.10008\.5\.1\.4\.1\.1\.7/],
  ["ct-corpus/ge-discovery-mi-rtstruct/rt.dcm", "not-ct", /modality is RTSTRUCT/],
  ["ct-corpus/ge-discovery-mi-rtstruct/ct_*", "too-few-slices", /found 2/],
  ["ct-corpus/ge-small/*", "single-slice", /found 1/],
  ["ct-corpus/enhanced-ct/*", "not-hounsfield", /RCBF/],
];

for (const [pattern, code, message] of refusals)
  test(`a real series is refused: ${pattern} is ${code}`, async () => {
    await assert.rejects(seriesToVolume(folder(pattern)), { name: "RefusedError", code, message });
  });

/** Synthetic series that must not be segmented, and why. */
const brokenSeries: readonly (readonly [string, CtSeriesOptions, string])[] = [
  ["a missing slice", { missing: [2] }, "slices-uneven"],
  ["two different slices at one position", { twice: [1], twiceHu: () => 7 }, "slices-not-a-volume"],
  ["an MR series", { modality: "MR" }, "not-ct"],
  ["slices sheared as no gantry does", { stepMm: [0, 4, 2] }, "gantry-tilt"],
  ["a truncated last file", { cutTo: (k) => (k === 4 ? -20 : null) }, "pixel-data-truncated"],
  ["an empty file", { cutTo: (k) => (k === 0 ? 0 : null) }, "not-dicom"],
  ["a file cut in its header", { cutTo: (k) => (k === 1 ? 500 : null) }, "dicom-truncated"],
  ["a slice without pixels", { edit: (dataSet, k) => k === 2 && dataSet.delete(0x7fe00010) }, "pixel-data-missing"],
  ["too many pixels", { edit: (dataSet) => dataSet.set(0x00280010, ["US", [4]]) }, "pixel-data-size"],
  ["a slice without position", { edit: (dataSet, k) => k === 2 && dataSet.delete(0x00200032) }, "image-position-missing"],
  ["a slice without orientation", { edit: (dataSet, k) => k === 2 && dataSet.delete(0x00200037) }, "image-orientation-missing"],
  ["no pixel spacing", { edit: (dataSet) => dataSet.delete(0x00280030) }, "pixel-spacing-missing"],
  ["no rescale", { edit: (dataSet) => dataSet.delete(0x00281053) }, "rescale-missing"],
  ["an iodine map", { edit: (dataSet) => dataSet.set(0x00281054, ["LO", "mg/ml"]) }, "not-hounsfield"],
  ["colour", { edit: (dataSet) => dataSet.set(0x00280002, ["US", [3]]) }, "pixel-format-unsupported"],
  ["32-bit pixels", { edit: (dataSet) => dataSet.set(0x00280100, ["US", [32]]) }, "pixel-format-unsupported"],
  ["a position that is no number", { edit: (dataSet) => dataSet.set(0x00200032, ["DS", "a\\b\\c"]) }, "attribute-invalid"],
  ["two frames of reference", { edit: (dataSet, k) => dataSet.set(0x00200052, ["UI", `1.2.${k >> 2}`]) }, "frame-of-reference-mixed"],
  ["two series", { edit: (dataSet, k) => dataSet.set(0x0020000e, ["UI", `1.2.${k >> 2}`]) }, "series-mixed"],
  ["a pixel spacing of 50 mm", { spacingMm: [50, 50, 2] }, "spacing-implausible"],
  ["a patient of 4 m", { dims: [8, 6, 20], spacingMm: [1, 1, 200] }, "spacing-implausible"],
  ["two studies", { edit: (dataSet, k) => dataSet.set(0x0020000d, ["UI", `1.2.${k >> 2}`]) }, "study-mixed"],
  ["two patients", { edit: (dataSet, k) => dataSet.set(0x00100020, ["LO", `patient ${k >> 2}`]) }, "patient-mixed"],
  ["JPEG baseline", { transferSyntaxUid: "1.2.840.10008.1.2.4.50", compress: (pixels) => pixels }, "transfer-syntax-unsupported"],
  ["encapsulated pixels under a native transfer syntax", { compress: (pixels) => pixels }, "dicom-malformed"],
];

for (const [what, options, code] of brokenSeries)
  test(`a series is refused with its reason: ${what}`, async () => {
    await assert.rejects(seriesToVolume(made(options)), { name: "RefusedError", code });
  });

test("a refusal for one instance names it", async () => {
  await assert.rejects(seriesToVolume(made({ cutTo: (k) => (k === 4 ? -20 : null) })), {
    message: new RegExp(`\\(instance ${uidOf("ct/4")}\\)$`),
  });
});

test("localizers, screenshots and second copies inside a series are left out, and the notes say so", async () => {
  const files = made({ hu: ramp });
  const localizer = made({
    name: "ct",
    dims: [8, 6, 1],
    edit: (dataSet) => dataSet.set(0x00080008, ["CS", "ORIGINAL\\PRIMARY\\LOCALIZER"]).set(0x00080018, ["UI", "1.2.9"]),
  });
  const screenshot = made({
    dims: [8, 6, 1],
    edit: (dataSet) => dataSet.set(0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.7"]).set(0x00080018, ["UI", "1.2.8"]),
  });
  const { volume, notes } = await seriesToVolume([...localizer, ...files, ...screenshot, files[2]!]);
  expectRamp(volume.hu, [8, 6, 5]);
  assert.equal(notes.length, 3);
  assert.match(notes[0]!, /left out: it is a localizer/);
  assert.match(notes[1]!, /left out: its SOP class/);
  assert.match(notes[2]!, /was there twice/);
});

test("the same image under a second UID is left out, whatever its transfer syntax, and the notes say so", async () => {
  const once = await seriesToVolume(made({ hu: ramp }));
  const { volume, source, notes } = await seriesToVolume(made({ hu: ramp, twice: [1, 3], transferSyntaxUid: syntaxes.implicitLittle }));
  assert.deepEqual(volume, once.volume);
  for (const [k, { sopInstanceUid }] of source.slices.entries())
    assert.ok([uidOf(`ct/${k}`), uidOf(`ct/${k}-again`)].includes(sopInstanceUid));
  assert.match(notes.join(), /^2 image\(s\) were there a second time under another UID and were left out: instance 2, instance 4$/);
});

/** Two stacks of five slices in one series; the second is brighter by 100 HU, and each has its own of something. */
function twoStacks(own: (dataSet: MadeDataSet, stack: number, k: number) => void): SeriesFile[] {
  return [0, 1].flatMap((stack) =>
    made({
      hu: (i, j, k) => ramp(i, j, k) + 100 * stack,
      edit(dataSet, k) {
        dataSet.set(0x00080018, ["UI", uidOf(`stack/${stack}/${k}`)]).set(0x00200013, ["IS", `${1 + k + 5 * stack}`]);
        own(dataSet, stack, k);
      },
    }).map((file, k) => ({ ...file, sopInstanceUid: uidOf(`stack/${stack}/${k}`) })),
  );
}

const own = (tag: number, vr: string, value: (stack: number, k: number) => string) => (dataSet: MadeDataSet, stack: number, k: number) =>
  dataSet.set(tag, [vr, value(stack, k)]);

/** What tells two stacks apart, and which of them is segmented: the first in time or number. */
const stacks: readonly (readonly [
  what: string,
  tell: (dataSet: MadeDataSet, stack: number, k: number) => void,
  chosen: number,
  note: RegExp,
])[] = [
  [
    "acquisition numbers",
    own(0x00200012, "IS", (stack) => `${3 - stack}`),
    1,
    /those of Acquisition Number 2 were segmented, 5 of Acquisition Number 3/,
  ],
  ["temporal positions", own(0x00200100, "IS", (stack) => `${stack + 1}`), 0, /Temporal Position Identifier 1 were segmented/],
  ["trigger times that drift", own(0x00181060, "DS", (stack, k) => `${700 - 600 * stack + k}`), 1, /Trigger Time from 100, round 1 of 2/],
  [
    "kernels",
    own(0x00181210, "SH", (stack) => ["soft", "bone"][stack]!),
    0,
    /those of Convolution Kernel soft were segmented, 5 of Convolution Kernel bone/,
  ],
  ["image types", own(0x00080008, "CS", (stack) => `ORIGINAL\\PRIMARY\\AXIAL\\${stack}`), 0, /Image Type ORIGINAL/],
  [
    "times of one round after the other",
    own(0x00080032, "TM", (stack, k) => `1015${10 + 20 * stack + 2 * k}.5`),
    0,
    /Acquisition Time from 101510\.5/,
  ],
];

for (const [what, tell, chosen, note] of stacks)
  test(`of two stacks in one series one is segmented, never a mixture: told apart by ${what}`, async () => {
    const files = twoStacks(tell);
    const shuffled = files.toSorted((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1));
    const { volume, source, notes } = await seriesToVolume(shuffled);
    assert.deepEqual(
      [...volume.hu].slice(0, 3),
      [ramp(0, 0, 0), ramp(1, 0, 0), ramp(2, 0, 0)].map((hu) => hu + 100 * chosen),
    );
    assert.deepEqual(
      source.slices.map(({ sopInstanceUid }) => sopInstanceUid),
      [0, 1, 2, 3, 4].map((k) => uidOf(`stack/${chosen}/${k}`)),
    );
    assert.match(notes.join(), note);
  });

test("phases that were reconstructed twice are told apart by both", async () => {
  const files = [0, 1].flatMap((kernel) =>
    twoStacks((dataSet, stack, k) => {
      dataSet.set(0x00080018, ["UI", uidOf(`stack/${stack}${kernel}/${k}`)]).set(0x00200012, ["IS", `${stack}`]);
      dataSet.set(0x00181210, ["SH", ["Br40", "Br60"][kernel]!]).set(0x00200013, ["IS", `${100 * kernel + k}`]);
    }),
  );
  const { source, notes } = await seriesToVolume(files);
  assert.equal(source.slices[4]!.sopInstanceUid, uidOf("stack/00/4"));
  assert.match(notes.join(), /those of Acquisition Number 0, Convolution Kernel Br40 were segmented, 15 of /);
});

/** Stacks that can't be told apart, or of which none is whole. */
const mixtures: readonly (readonly [what: string, files: SeriesFile[], code: string])[] = [
  ["nothing tells them apart", twoStacks(() => {}), "slices-not-a-volume"],
  [
    "an acquisition number of its own for each image",
    twoStacks(own(0x00200012, "IS", (stack, k) => `${2 * k + stack}`)),
    "slices-not-a-volume",
  ],
  [
    "each lacks a slice",
    twoStacks(own(0x00200012, "IS", (stack) => `${stack}`)).filter((_, at) => at !== 1 && at !== 8),
    "slices-not-a-volume",
  ],
  [
    "their slices lie between each other's",
    made({ dims: [8, 6, 10], edit: (dataSet, k) => dataSet.set(0x00181210, ["SH", ["soft", "bone"][k % 2]!]) }),
    "stacks-interleaved",
  ],
];

for (const [what, files, code] of mixtures)
  test(`two stacks in one series are refused: ${what}`, async () => {
    await assert.rejects(seriesToVolume(files), { name: "RefusedError", code });
  });

test("a phase that lacks a slice is left out for the whole one", async () => {
  const files = twoStacks(own(0x00200012, "IS", (stack) => `${stack}`)).filter((_, at) => at !== 1);
  const { source, notes } = await seriesToVolume(files);
  assert.equal(source.slices[0]!.sopInstanceUid, uidOf("stack/1/0"));
  assert.match(notes.join(), /those of Acquisition Number 1 were segmented, 4 of Acquisition Number 0/);
});

test("localizers that do not say so are left out by where they look; an oblique slice is not one", async () => {
  const scouts = ([0, 1] as const).map((at) =>
    made({
      dims: [8, 6, 1],
      orientation: at === 0 ? [1, 0, 0, 0, 0, -1] : [0, 1, 0, 0, 0, -1],
      edit: (dataSet) => dataSet.set(0x00080018, ["UI", `1.2.9.${at}`]).set(0x00200013, ["IS", `${90 + at}`]),
    }),
  );
  const { volume, notes } = await seriesToVolume([...scouts.flat(), ...made({ hu: ramp })]);
  expectRamp(volume.hu, [8, 6, 5]);
  assert.deepEqual(notes, [
    "2 image(s) that look along another axis than the slices were left out, as localizers: instance 90, instance 91",
  ]);
  const leaning = made({
    dims: [8, 6, 1],
    orientation: [1, 0, 0, 0, 0.8, 0.6],
    edit: (dataSet) => dataSet.set(0x00080018, ["UI", "1.2.9.3"]),
  });
  await assert.rejects(seriesToVolume([...leaning, ...made()]), { code: "orientations-mixed" });
});

test("a series without frame of reference becomes a volume, and the notes say so", async () => {
  const { notes } = await seriesToVolume(made({ edit: (dataSet) => dataSet.delete(0x00200052) }));
  assert.match(notes.join(), /no Frame of Reference UID/);
});

test("two different files with one SOP Instance UID are refused", async () => {
  const other = made({ dims: [8, 6, 1], hu: () => 7 });
  await assert.rejects(seriesToVolume([...made(), ...other]), { code: "instance-ambiguous" });
});

test("a declared padding value keeps its HU", async () => {
  const edit: CtSeriesOptions["edit"] = (dataSet) => dataSet.set(0x00280120, ["SS", [-2000]]);
  const { volume } = await seriesToVolume(made({ edit, hu: (i) => (i === 0 ? -3024 : 40) }));
  assert.deepEqual([...volume.hu.subarray(0, 3)], [-3024, 40, 40]);
});

test("frames of an enhanced CT are placed by their own functional groups, rescaled by them, and its localizer frame is left out", async () => {
  const { volume, source, notes } = await seriesToVolume([enhancedCt()]);
  assert.deepEqual(volume.grid, {
    dims: [2, 2, 3],
    origin: [0, 0, -4],
    steps: [
      [0.5, 0, 0],
      [0, 0.5, 0],
      [0, 0, 2],
    ],
  });
  // Frame f holds the stored value f; frames 2, 3, 4 lie at 0, -2, -4 mm with intercepts 20, 30, 40.
  assert.deepEqual([volume.hu[0], volume.hu[4], volume.hu[8]], [44, 33, 22]);
  assert.deepEqual(
    source.slices.map(({ frameNumber }) => frameNumber),
    [4, 3, 2],
  );
  assert.deepEqual(notes, ["1 localizer frame(s) were left out"]);
});

test("an enhanced CT that describes fewer frames than it has is refused", async () => {
  await assert.rejects(seriesToVolume([enhancedCt((dataSet) => dataSet.set(0x00280008, ["IS", "5"]))]), { code: "frames-missing" });
});

test("two phases in the frames of an enhanced CT are told apart by their temporal position, not mixed", async () => {
  const file = enhancedCt((dataSet) => {
    const [, frames] = dataSet.get(0x52009230) as readonly [string, MadeDataSet[]];
    const ofPhase = (frame: MadeDataSet, phase: number): MadeDataSet =>
      new Map([...frame, [0x00209111, ["SQ", [new Map([[0x00209128, ["UL", [phase]]]])]]] as const]);
    const [localizer, ...slices] = frames;
    dataSet.set(0x52009230, ["SQ", [localizer!, ...slices.map((frame) => ofPhase(frame, 2)), ...slices.map((frame) => ofPhase(frame, 1))]]);
    dataSet.set(0x00280008, ["IS", "7"]);
    dataSet.set(0x7fe00010, ["OW", Buffer.alloc(7 * 4 * 2)]);
  });
  const { source, notes } = await seriesToVolume([file]);
  assert.deepEqual(
    source.slices.map(({ frameNumber }) => frameNumber),
    [7, 6, 5],
  );
  assert.match(notes.join(), /those of Temporal Position Index 1 were segmented, 3 of Temporal Position Index 2 were left out/);
});

/** Four frames of 2 x 2; the first is a localizer, the others descend. */
function enhancedCt(edit: (dataSet: MadeDataSet) => void = () => {}): SeriesFile {
  const one = (tag: number, vr: string, value: string): MadeDataSet => new Map([[tag, [vr, value]]]);
  const frame = (f: number): MadeDataSet =>
    new Map<number, readonly [string, MadeDataSet[]]>([
      [0x00189329, ["SQ", [one(0x00089007, "CS", f === 1 ? "ORIGINAL\\PRIMARY\\LOCALIZER\\NONE" : "ORIGINAL\\PRIMARY\\AXIAL\\NONE")]]],
      [0x00209113, ["SQ", [one(0x00200032, "DS", `0\\0\\${4 - 2 * f}`)]]],
      [0x00289145, ["SQ", [new Map([...one(0x00281052, "DS", `${10 * f}`), ...one(0x00281053, "DS", "1")])]]],
    ]);
  const shared: MadeDataSet = new Map([
    [0x00209116, ["SQ", [one(0x00200037, "DS", "1\\0\\0\\0\\1\\0")]]],
    [0x00289110, ["SQ", [one(0x00280030, "DS", "0.5\\0.5")]]],
  ]);
  const pixels = Buffer.alloc(4 * 4 * 2);
  for (let at = 0; at < 16; at++) pixels.writeUInt16LE(1 + (at >> 2), at * 2);
  const dataSet: MadeDataSet = new Map<number, readonly [string, string | number[] | Uint8Array | MadeDataSet[]]>([
    [0x00080008, ["CS", "ORIGINAL\\PRIMARY\\AXIAL\\NONE"]],
    [0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.2.1"]],
    [0x00080018, ["UI", "1.2.3.4"]],
    [0x00080060, ["CS", "CT"]],
    [0x0020000d, ["UI", "1.2.3.1"]],
    [0x0020000e, ["UI", "1.2.3.2"]],
    [0x00200052, ["UI", "1.2.3.3"]],
    [0x00280002, ["US", [1]]],
    [0x00280008, ["IS", "4"]],
    [0x00280010, ["US", [2]]],
    [0x00280011, ["US", [2]]],
    [0x00280100, ["US", [16]]],
    [0x00280101, ["US", [16]]],
    [0x00280102, ["US", [15]]],
    [0x00280103, ["US", [1]]],
    [0x52009229, ["SQ", [shared]]],
    [0x52009230, ["SQ", [1, 2, 3, 4].map(frame)]],
    [0x7fe00010, ["OW", pixels]],
  ]);
  edit(dataSet);
  const bytes = makePart10(dataSet);
  return { sopInstanceUid: "1.2.3.4", load: async () => bytes };
}
