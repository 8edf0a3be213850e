import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import codecs from "dcmjs-codecs";
import type { PixelFormat } from "../../../appliance/dicom/ct-instance.ts";
import { readCtInstance } from "../../../appliance/dicom/ct-instance.ts";
import { decodeFrame } from "../../../appliance/dicom/decode.ts";
import { toHounsfield } from "../../../appliance/dicom/hounsfield.ts";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { type CodedPixels, readCodedPixels } from "../../../appliance/dicom/pixel-data.ts";
import { transferSyntaxOf } from "../../../appliance/dicom/transfer-syntaxes.ts";
import { syntaxes } from "../../make/part10.ts";

const data = "test/data";
/** What pydicom, with GDCM for the compressed ones, decodes; made by ct-pixels.py. */
const references: Record<string, { sha256: string }> = JSON.parse(readFileSync("test/reference/ct-pixels.json", "utf8"));
/** Its anonymised UIDs are no UIDs, so it never becomes an instance here. */
const withoutUids = ["ct-corpus/siemens-jpegll/bad_sequence.dcm", "ct-corpus/siemens-empty-uids/"];

function open(path: string): { coded: CodedPixels; format: PixelFormat; rescale: { slope: number; intercept: number } } {
  const opened = openPart10(readFileSync(path), { whole: true });
  const { format, frames, numberOfFrames } = readCtInstance(opened);
  return { coded: readCodedPixels(opened, format, numberOfFrames), format, rescale: frames[0]!.rescale };
}

test("every CT file of the test data decodes to the HU that pydicom finds", async () => {
  const files = Object.keys(references).filter((file) => !withoutUids.some((other) => file.startsWith(other)));
  assert.ok(files.length > 40);
  for (const file of files) {
    const { coded, format, rescale } = open(`${data}/${file}`);
    const words = await decodeFrame(coded.frames[0]!, coded.syntax, format);
    const hu = new Int16Array(words.length);
    toHounsfield(format, rescale)(words, hu, 0);
    assert.equal(createHash("sha256").update(new Uint8Array(hu.buffer)).digest("hex"), references[file]!.sha256, file);
  }
});

const hiSpeed = `${data}/ct-corpus/ge-hispeed-transfer-syntaxes/CTImage.dcm`;
const signed16: PixelFormat = {
  rows: 512,
  columns: 512,
  bitsAllocated: 16,
  bitsStored: 16,
  highBit: 15,
  signed: true,
  paddingValue: null,
  hasOverlayBits: false,
};

test("a High-Throughput JPEG 2000 code stream decodes to its published pixels", async () => {
  const stream = readFileSync(`${data}/ct-corpus/htj2k-codestream/CT1.j2c`);
  const words = await decodeFrame(stream, transferSyntaxOf(syntaxes.htj2k), signed16);
  assert.deepEqual(
    Buffer.from(words.buffer, words.byteOffset, words.byteLength),
    readFileSync(`${data}/ct-corpus/htj2k-codestream/CT1.RAW`),
  );
});

/** One slice, coded in each way. */
function streams(): (readonly [string, Uint8Array])[] {
  const { coded } = open(hiSpeed);
  const context = () =>
    new codecs.Context({
      width: 512,
      height: 512,
      bitsAllocated: 16,
      bitsStored: 16,
      samplesPerPixel: 1,
      pixelRepresentation: 1,
      planarConfiguration: 0,
      photometricInterpretation: "MONOCHROME2",
      decodedBuffer: coded.frames[0]!,
    });
  const encode = (name: "encodeJpeg" | "encodeJpegLs" | "encodeJpeg2000" | "encodeHtJpeg2000" | "encodeRle", predictor = 1): Uint8Array =>
    codecs.NativeCodecs[name](context(), { lossy: false, predictor }).getEncodedBuffer()!;
  return [
    [syntaxes.rle, encode("encodeRle")],
    [syntaxes.jpegLossless, encode("encodeJpeg")],
    [syntaxes.jpegLosslessAnyPredictor, encode("encodeJpeg", 6)],
    [syntaxes.jpegLs, encode("encodeJpegLs")],
    [syntaxes.jpeg2000, encode("encodeJpeg2000")],
    [syntaxes.htj2k, encode("encodeHtJpeg2000")],
  ];
}

test("each lossless coding gives the same words back, negative ones too", async () => {
  await codecs.NativeCodecs.initializeAsync();
  const native = open(hiSpeed);
  const expected = await decodeFrame(native.coded.frames[0]!, native.coded.syntax, native.format);
  for (const [uid, stream] of streams()) assert.deepEqual(await decodeFrame(stream, transferSyntaxOf(uid), signed16), expected, uid);
});

test("a code stream cut anywhere is refused, never filled up", async () => {
  await codecs.NativeCodecs.initializeAsync();
  for (const [uid, stream] of streams())
    for (const keep of [
      0,
      1,
      2,
      30,
      63,
      70,
      200,
      stream.length >> 2,
      stream.length >> 1,
      stream.length - 1000,
      stream.length - 20,
      stream.length - 4,
    ])
      await assert.rejects(
        decodeFrame(stream.subarray(0, keep), transferSyntaxOf(uid), signed16),
        { name: "RefusedError", code: /^pixel-data-(truncated|malformed)$/ },
        `${uid} cut to ${keep}`,
      );
});

test("a code stream of another size or depth than the header says is refused", async () => {
  await codecs.NativeCodecs.initializeAsync();
  for (const [uid, stream] of streams()) {
    const code = uid === syntaxes.rle ? /^pixel-data-truncated$/ : /^pixel-data-mismatch$/;
    await assert.rejects(decodeFrame(stream, transferSyntaxOf(uid), { ...signed16, rows: 511 }), { code }, uid);
    await assert.rejects(decodeFrame(stream, transferSyntaxOf(uid), { ...signed16, rows: 1024 }), { code }, uid);
    if (uid !== syntaxes.rle)
      await assert.rejects(
        decodeFrame(stream, transferSyntaxOf(uid), { ...signed16, bitsAllocated: 8, bitsStored: 8, highBit: 7 }),
        { code },
        uid,
      );
  }
});

test("a stream of signed samples under an unsigned header is refused when it holds negative ones", async () => {
  await codecs.NativeCodecs.initializeAsync();
  const stream = streams().find(([uid]) => uid === syntaxes.jpeg2000)![1];
  await assert.rejects(decodeFrame(stream, transferSyntaxOf(syntaxes.jpeg2000), { ...signed16, signed: false }), {
    code: "pixel-sign-contradiction",
  });
});

test("after a stream that breaks the decoder the next one decodes", async () => {
  await codecs.NativeCodecs.initializeAsync();
  const [, stream] = streams().find(([uid]) => uid === syntaxes.jpegLs)!;
  const broken = Uint8Array.from(stream);
  broken.fill(0xff, 40, 4000);
  await decodeFrame(broken, transferSyntaxOf(syntaxes.jpegLs), signed16).catch((error) => assert.equal(error.name, "RefusedError"));
  assert.equal((await decodeFrame(stream, transferSyntaxOf(syntaxes.jpegLs), signed16)).length, 512 * 512);
});

test("an RLE frame with a segment too many, or a segment that runs over, is refused", async () => {
  const format = { ...signed16, rows: 2, columns: 2 };
  const frame = (segments: number, offsets: number[], body: number[]): Uint8Array => {
    const header = new Uint32Array(16);
    header.set([segments, ...offsets]);
    return Buffer.concat([Buffer.from(header.buffer), Buffer.from(body)]);
  };
  const rle = transferSyntaxOf(syntaxes.rle);
  // High bytes 1 1 1 1 as a run of four, low bytes as four literals.
  const good = frame(2, [64, 66], [0xfd, 1, 3, 10, 20, 30, 40, 0]);
  assert.deepEqual([...(await decodeFrame(good, rle, format))], [0x010a, 0x0114, 0x011e, 0x0128]);
  await assert.rejects(decodeFrame(frame(3, [64, 66, 68], [0xfd, 1, 3, 1, 2, 3, 4, 0]), rle, format), { code: "pixel-data-malformed" });
  await assert.rejects(decodeFrame(frame(2, [64, 66], [0xfc, 1, 3, 1, 2, 3, 4, 0]), rle, format), { code: "pixel-data-truncated" });
  await assert.rejects(decodeFrame(frame(2, [64, 900], [0xfd, 1, 3, 1, 2, 3, 4, 0]), rle, format), { code: "pixel-data-truncated" });
});
