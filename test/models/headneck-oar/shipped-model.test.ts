import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { loadModel } from "../../../appliance/inference/models.ts";
import { Checkpoint } from "../../../models/import/checkpoint.ts";
import { readWeights } from "../../../models/import/weights.ts";
import { readOnnxFile } from "../../../models/onnx/read.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

const root = join(import.meta.dirname, "../../..");
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(root, path), "utf8"));

test("the cases that no network of this repository may learn from are the reference model's", async () => {
  const { heldOut } = (await json("models/headneck-oar/split.json")) as { heldOut: string[] };
  const reference = (await json("models/reference/split.json")) as { openkbpHeldOut: string[] };
  assert.equal(new Set(heldOut).size, 24);
  assert.deepEqual(heldOut, reference.openkbpHeldOut);
});

test("its ONNX file holds the weights of its checkpoint, bit for bit, as the import reads them", async () => {
  const folder = join(root, "models/headneck-oar");
  const { parts } = await loadModel(folder);
  const { part, plans } = parts[0]!;
  await using checkpoint = await Checkpoint.open(join(folder, "nnunet/fold_0/checkpoint_final.pth"));
  const weights = await readWeights(checkpoint, plans.network, plans.classes);
  const onnx = await readOnnxFile(join(folder, part.networks.find(({ precision }) => precision === "fp32")!.file));
  const stored = new Map(onnx.graph.initializers.map((tensor) => [tensor.name, tensor.data]));
  assert.deepEqual([...stored.keys()].toSorted(), [...weights.keys()].toSorted());
  for (const [name, { data }] of weights) assert.deepEqual(stored.get(name), data, name);
});

type Measured = { readonly dice: number; readonly referenceMl: number; readonly predictedMl: number };
type Found = { readonly compared: Record<string, Measured>; readonly columns: Record<string, number>; readonly midline: number };

// One held-out case of 44 slices, sent through `segbox segment` as DICOM.
describe("the head and neck model that ships, on a patient it has not seen", () => {
  let found: Found;
  before(async () => {
    await using folder = await temporaryFolder("headneck-held-out");
    found = (await python(join(import.meta.dirname, "held_out_case.py"), folder.path, { timeoutMs: 500_000 })) as Found;
  });

  test("finds the right parotid gland on the patient's right", () => {
    const { parotid_right: right, parotid_left: left, spinal_cord: cord } = found.columns;
    assert.ok(right! > cord! && cord! > left!, `columns towards the right: ${right}, cord ${cord}, left ${left}`);
  });

  test("agrees with the human contours as its card says", () => {
    // Measured of this case (evaluation.json): 0.75, 0.69, 0.75, 0.71, 0.83. Floors leave room for INT8 and another processor's rounding.
    const floors = { brainstem: 0.72, spinal_cord: 0.66, parotid_right: 0.72, parotid_left: 0.68, mandible: 0.81 };
    for (const [name, floor] of Object.entries(floors))
      assert.ok(found.compared[name]!.dice >= floor, `${name}: Dice ${found.compared[name]?.dice}, expected at least ${floor}`);
  });
});
