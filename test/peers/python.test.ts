import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./folder.ts";
import { python } from "./python.ts";

test("Python reads a DICOM file with pydicom and answers in JSON", async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, "rows.py");
  await writeFile(
    script,
    "import json, sys, pydicom\nasked = json.load(sys.stdin)\ndataset = pydicom.dcmread(asked['file'])\njson.dump({'rows': dataset.Rows, 'columns': dataset.Columns}, sys.stdout)\n",
  );
  const file = join(import.meta.dirname, "../data/ct-corpus/tiny-23x38x3/IMG0001.dcm");
  assert.deepEqual(await python(script, { file }), { rows: 38, columns: 23 });
});

test("a script's exception fails with its traceback, and an answer that is no JSON fails with the answer", async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, "script.py");
  await writeFile(script, "raise ValueError('seven')\n");
  await assert.rejects(python(script), /ended with 1\n[\s\S]*ValueError: seven/);
  await writeFile(script, "print('hello')\n");
  await assert.rejects(python(script), /wrote no JSON: hello/);
});
