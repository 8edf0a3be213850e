import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import type { Provenance } from "../../appliance/pipeline/provenance.ts";
import { startStorescp, storescu } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, isDelivered, startBox } from "./box.ts";

test("a delivered object leads back to its images, model and settings, and its result can be made again", async () => {
  await using folder = await temporaryFolder("traced");
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  await using box = await startBox({
    data: folder.path,
    pacs: { aeTitle: "PACS", dicomPort: pacs.port },
    quietSeconds: 0.5,
    // Not as it is when nothing is said: made again, it has to be made in the same way.
    rules: [{ name: "axial CT", model: "reference", mode: "fast", outputs: ["seg", "rtstruct"], destinations: ["pacs"] }],
  });
  await storescu({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, options: ["-xv"], paths: [exampleCt] });
  const series = await box.seriesWhen(isDelivered);
  const results = join(folder.path, "results", String(series.results[0]!.id));
  const { sopInstanceUid } = readInstanceHeader(await readFile((await pacs.files())[0]!));
  const segbox = (...args: string[]) => run(process.execPath, [cli, ...args, "--data", folder.path], { timeoutMs: 200_000 });

  const explained = await segbox("explain", sopInstanceUid, "--json");
  assert.equal(explained.code, 0, explained.stderr);
  const provenance = JSON.parse(explained.stdout) as Provenance;
  const sent = await Promise.all(
    (await readdir(exampleCt)).map(async (name) => {
      const bytes = await readFile(join(exampleCt, name));
      return createHash("sha256")
        .update(bytes.subarray(readFileMeta(bytes).dataSetOffset))
        .digest("hex");
    }),
  );
  assert.deepEqual(provenance.inputs.map(({ sha256 }) => sha256).sort(), sent.sort());
  assert.ok(provenance.seriesIsUnchanged);
  const trace = provenance.inference?.trace;
  assert.equal(
    trace?.labelMapSha256,
    createHash("sha256")
      .update(await readFile(join(results, "labels.u8")))
      .digest("hex"),
  );
  const network = trace.modelFiles.find(({ file }) => file.endsWith(".onnx"));
  const onnx = await readFile(join(import.meta.dirname, "../../models/reference", network!.file));
  assert.equal(network!.sha256, createHash("sha256").update(onnx).digest("hex"));
  assert.deepEqual(new Set(provenance.deliveries.map(({ state }) => state)), new Set(["delivered"]));
  const text = await segbox("explain", sopInstanceUid);
  assert.match(text.stdout, /^model +reference /m);
  assert.match(text.stdout, /^form +main: fp32 on cpu \(model\.onnx\), SHA-256 [0-9a-f]{64}$/m);
  assert.match(
    text.stdout,
    /^card +when the result was made: fp32, as it was trained, which the others are judged by; not tried on this box$/m,
  );
  assert.doesNotMatch(text.stdout + explained.stdout, /Example\^CT|EXAMPLE-CT/, "no patient data");

  assert.deepEqual(
    provenance.steps.map(({ step }) => step),
    ["segment", "encode"],
  );
  assert.deepEqual(
    provenance.objects?.map(({ output }) => output),
    ["seg", "rtstruct"],
    "what was never written has no UID here",
  );

  const again = await segbox("reproduce", sopInstanceUid);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^compared by digest: [\s\S]*\nequal: every voxel/);

  const unknown = await segbox("explain", "1.2.3");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^segbox: no result here has an object or series of that UID\n$/);
});
