import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { RefusedError } from "../../../appliance/base/errors.ts";
import { readCtInstance } from "../../../appliance/dicom/ct-instance.ts";
import { decodeFrame } from "../../../appliance/dicom/decode.ts";
import { readInstanceHeader, readSourceAttributes } from "../../../appliance/dicom/instance-header.ts";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { readCodedPixels } from "../../../appliance/dicom/pixel-data.ts";
import { seriesToVolume } from "../../../appliance/dicom/series-to-volume.ts";
import { makeCtSeries, seriesFiles } from "../../make/ct-series.ts";
import { syntaxes } from "../../make/part10.ts";

/** All that is read of a file, one reader after the other; gives the codes of the refusals. Anything else that is thrown is a fault. */
async function readEverything(bytes: Uint8Array): Promise<string[]> {
  const readers: readonly (() => unknown)[] = [
    () => readInstanceHeader(bytes),
    () => readSourceAttributes(bytes),
    () => seriesToVolume([{ sopInstanceUid: "1.2.3", load: async () => bytes }]),
    async () => {
      const opened = openPart10(bytes, { whole: true });
      const { format, numberOfFrames } = readCtInstance(opened);
      const { frames, syntax } = readCodedPixels(opened, format, numberOfFrames);
      for (const frame of frames) await decodeFrame(frame, syntax, format);
    },
  ];
  const codes: string[] = [];
  for (const read of readers)
    try {
      await read();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      codes.push(error.code);
    }
  return codes;
}

for (const folder of ["dicom-fuzzing-corpus", "dicom-fuzzing-corpus-fixed-meta", "pydicom"])
  test(`malformed files are read or refused within a second each: ${folder}`, async () => {
    const files = globSync(`test/data/malformed/${folder}/**/*`, { withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.length >= 10);
    for (const { parentPath, name } of files) {
      const path = `${parentPath}/${name}`;
      const started = performance.now();
      const codes = await readEverything(readFileSync(path)).catch((error) => assert.fail(`${path}: ${error.stack}`));
      const tookMs = performance.now() - started;
      assert.ok(tookMs < 1000, `${path} took ${tookMs} ms`);
      // A lone file is no volume, so at least that is refused.
      assert.ok(codes.length >= 1, path);
    }
  });

test("the unharmed file that the malformed ones were made from is read", () => {
  const header = readInstanceHeader(readFileSync("test/data/malformed/dicom-fuzzing-corpus/baseline/BASELINE_valid_ct.dcm"));
  assert.equal(header.modality, "CT");
});

test("a file cut at any byte is read or refused", async () => {
  for (const transferSyntaxUid of Object.values(syntaxes).slice(0, 4)) {
    const { bytes } = makeCtSeries({ dims: [4, 3, 1], transferSyntaxUid })[0]!;
    for (let length = 0; length < bytes.length; length++) await readEverything(bytes.subarray(0, length));
  }
});

test("a series with one harmed byte anywhere becomes a volume or is refused", async () => {
  const series = [syntaxes.explicitLittle, syntaxes.implicitLittle, syntaxes.deflated].map((transferSyntaxUid) =>
    makeCtSeries({ dims: [4, 3, 3], transferSyntaxUid }),
  );
  const harm = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(), fc.nat(255), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(harm, async ([which, k, at, first, second]) => {
      const instances = series[which]!.map(({ sopInstanceUid, bytes }) => ({ sopInstanceUid, bytes: Buffer.from(bytes) }));
      const { bytes } = instances[k]!;
      bytes[at % bytes.length] = first;
      bytes[(at + 1) % bytes.length] = second;
      await readEverything(bytes);
      await seriesToVolume(seriesFiles(instances)).catch((error) => assert.ok(error instanceof RefusedError, error.stack));
    }),
    { numRuns: 500 },
  );
});
