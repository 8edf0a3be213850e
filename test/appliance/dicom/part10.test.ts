import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { encodeFileMeta, openPart10, readFileMeta } from "../../../appliance/dicom/part10.ts";
import { textOf } from "../../../appliance/dicom/values.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { syntaxes } from "../../make/part10.ts";
import { python } from "../../peers/python.ts";

const meta = { sopClassUid: "1.2.840.10008.5.1.4.1.1.2", sopInstanceUid: "1.2.3.45", transferSyntaxUid: syntaxes.implicitLittle };

test("file meta information reads back as it was written, and ends where the data set starts", () => {
  const written = encodeFileMeta({ ...meta, sourceAeTitle: "CT1" });
  assert.deepEqual(readFileMeta(Buffer.concat([written, Buffer.alloc(100)])), { ...meta, dataSetOffset: written.length });
});

test("pydicom finds the same file meta information, the source AE title with it", async () => {
  const written = encodeFileMeta({ ...meta, sourceAeTitle: "CT1" });
  const read = await python("test/reference/file-meta.py", Buffer.from(written).toString("base64"));
  assert.deepEqual(read, { ...meta, sourceAeTitle: "CT1", groupLength: written.length - 144 });
});

test("a missing group length is let through", () => {
  const written = encodeFileMeta(meta);
  const without = Buffer.concat([written.subarray(0, 132), written.subarray(144), Buffer.from([8, 0, 5, 0, 0, 0, 0, 0])]);
  assert.deepEqual(readFileMeta(without), { ...meta, dataSetOffset: written.length - 12 });
});

test("a wrong group length is let through", () => {
  for (const wrong of [0, 14, 33, 500]) {
    const written = Buffer.from(encodeFileMeta(meta));
    written.writeUInt32LE(wrong, 140);
    const file = Buffer.concat([written, Buffer.from([8, 0, 5, 0, 0, 0, 0, 0])]);
    assert.deepEqual(readFileMeta(file), { ...meta, dataSetOffset: written.length }, `group length ${wrong}`);
  }
});

test("deflated data that looks like file meta information is not taken for it", () => {
  const written = encodeFileMeta({ ...meta, transferSyntaxUid: syntaxes.deflated });
  const lookalike = Buffer.from([2, 0, 0, 2, 0x55, 0x49, 0xff, 0xff]);
  assert.equal(readFileMeta(Buffer.concat([written, lookalike])).dataSetOffset, written.length);
});

test("a file without preamble, and one without any file meta information, are read", () => {
  const [{ bytes, sopInstanceUid }] = makeCtSeries() as [ReturnType<typeof makeCtSeries>[0]];
  const { dataSetOffset } = readFileMeta(bytes);
  assert.deepEqual(readFileMeta(bytes.subarray(132)), { ...readFileMeta(bytes), dataSetOffset: dataSetOffset - 132 });
  const bare = readFileMeta(bytes.subarray(dataSetOffset));
  assert.deepEqual(bare, { sopClassUid: meta.sopClassUid, sopInstanceUid, transferSyntaxUid: syntaxes.explicitLittle, dataSetOffset: 0 });
  const [implicit] = makeCtSeries({ transferSyntaxUid: syntaxes.implicitLittle });
  const bareImplicit = readFileMeta(implicit!.bytes.subarray(readFileMeta(implicit!.bytes).dataSetOffset));
  assert.equal(bareImplicit.transferSyntaxUid, syntaxes.implicitLittle);
});

test("what is not DICOM, or too short to tell, is refused", () => {
  for (const text of ["", "x", "{}".repeat(500), "\x89PNG\r\n"])
    assert.throws(() => readFileMeta(Buffer.from(text)), { code: "not-dicom" });
  assert.throws(() => readFileMeta(encodeFileMeta(meta).subarray(0, 134)), { code: "dicom-truncated" });
});

test("file meta information without a transfer syntax is refused", () => {
  const written = Buffer.from(encodeFileMeta(meta));
  written[written.indexOf(meta.transferSyntaxUid) - 6] = 0x11;
  assert.throws(() => readFileMeta(Buffer.concat([written, Buffer.alloc(8, 8)])), { code: "transfer-syntax-missing" });
});

test("a deflate bomb is refused before it is large", () => {
  const start = encodeFileMeta({ ...meta, transferSyntaxUid: syntaxes.deflated });
  const bomb = Buffer.concat([start, deflateRawSync(Buffer.alloc(300 << 20))]);
  const before = performance.now();
  assert.throws(() => openPart10(bomb), { name: "RefusedError" });
  assert.ok(performance.now() - before < 2000);
});

test("a head that does not end takes no more memory than it may, however well it deflates", () => {
  const start = encodeFileMeta({ ...meta, transferSyntaxUid: syntaxes.deflated });
  const element = Buffer.from("09001000554e0000", "hex"); // (0009,0010), UN, of 700 MB
  const length = Buffer.alloc(4);
  length.writeUInt32LE(700 << 20);
  const bomb = Buffer.concat([start, deflateRawSync(Buffer.concat([element, length, Buffer.alloc(100 << 20)]))]);
  writeFileSync("/proc/self/clear_refs", "5"); // the peak starts anew from what is there
  const peakMb = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
  const before = peakMb();
  assert.throws(() => openPart10(bomb, { maxHeadBytes: 2 << 20 }), { name: "RefusedError", code: "dicom-too-large" });
  const grownMb = peakMb() - before;
  assert.ok(grownMb < 40, `memory grew by ${Math.round(grownMb)} MB`);
});

test("a head is read though the black pixels behind it inflate beyond what a head may take", () => {
  const [first] = makeCtSeries({ dims: [4096, 4096, 1], transferSyntaxUid: syntaxes.deflated, hu: () => 0 });
  assert.ok(first!.bytes.length < 100_000);
  const { dataSet } = openPart10(first!.bytes, { maxHeadBytes: 64 * 1024 });
  assert.equal(textOf(dataSet, 0x00100020), "PHANTOM-1");
});

test("the header of a deflated file needs only the file's beginning", () => {
  const noise = (i: number, j: number, k: number): number => ((i * 7919 + j * 104729 + k * 31) % 2000) - 1000;
  const [first] = makeCtSeries({ dims: [256, 256, 1], transferSyntaxUid: syntaxes.deflated, hu: noise });
  const { dataSet } = openPart10(first!.bytes.subarray(0, first!.bytes.length >> 1));
  assert.equal(textOf(dataSet, 0x00100020), "PHANTOM-1");
});
