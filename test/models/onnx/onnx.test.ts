import assert from "node:assert/strict";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { OnnxModel, OnnxTensor } from "../../../models/onnx/graph.ts";
import { decodeOnnx, readOnnxFile } from "../../../models/onnx/read.ts";
import { encodeOnnx, writeOnnxFile } from "../../../models/onnx/write.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

/** y = leaky(conv(x)), channels 1 -> 2, kernel 1 x 3 x 3. */
function smallModel(): OnnxModel {
  const weight = Float32Array.from({ length: 18 }, (_, at) => at / 8 - 1);
  return {
    opset: 17,
    metadata: { "segbox.source": "a test" },
    graph: {
      name: "small",
      nodes: [
        {
          op: "Conv",
          name: "first",
          inputs: ["input", "weight", "bias"],
          outputs: ["convolved"],
          attributes: { kernel_shape: [1, 3, 3], pads: [0, 1, 1, 0, 1, 1], strides: [1, 1, 1] },
        },
        { op: "LeakyRelu", inputs: ["convolved"], outputs: ["logits"], attributes: { alpha: { float: 0.25 } } },
      ],
      initializers: [
        { name: "weight", dims: [2, 1, 1, 3, 3], type: "float32", data: weight },
        { name: "bias", dims: [2], type: "float32", data: Float32Array.of(0.5, -0.5) },
        { name: "unused", dims: [2, 300], type: "int64", data: BigInt64Array.from({ length: 600 }, (_, at) => -BigInt(at) << 40n) },
      ],
      inputs: [{ name: "input", type: "float32", dims: [1, 1, "depth", "height", "width"] }],
      outputs: [{ name: "logits", type: "float32", dims: [1, 2, "depth", "height", "width"] }],
    },
  };
}

const seenByOnnx = {
  opset: { "": 17 },
  metadata: { "segbox.source": "a test" },
  nodes: [
    ["Conv", ["input", "weight", "bias"], ["convolved"]],
    ["LeakyRelu", ["convolved"], ["logits"]],
  ],
  attributes: { kernel_shape: [1, 3, 3], pads: [0, 1, 1, 0, 1, 1], strides: [1, 1, 1], alpha: 0.25 },
  tensors: {
    weight: ["float32", [2, 1, 1, 3, 3], [-1, -0.875, -0.75, -0.625, -0.5, -0.375, -0.25, -0.125]],
    bias: ["float32", [2], [0.5, -0.5]],
    unused: ["int64", [2, 300], Array.from({ length: 8 }, (_, at) => 0 - at * 2 ** 40)],
  },
  input: [1, 1, "depth", "height", "width"],
};

test("a model is read back as it was written, by us and by ONNX's own checker", async () => {
  await using folder = await temporaryFolder("onnx");
  const path = join(folder.path, "small.onnx");
  const [written, ...more] = await writeOnnxFile(path, smallModel());
  assert.deepEqual(more, []);
  assert.equal((await stat(path)).size, written?.sizeBytes);
  assert.deepEqual(await readOnnxFile(path), smallModel());
  assert.deepEqual(await python("test/models/onnx/check_model.py", { path }), seenByOnnx);
});

test("onnxruntime computes what the graph says", async () => {
  await using folder = await temporaryFolder("onnx");
  const path = join(folder.path, "small.onnx");
  await writeOnnxFile(path, smallModel());
  const session = await InferenceSession.create(path);
  const { logits } = await session.run({ input: new Tensor("float32", Float32Array.of(1), [1, 1, 1, 1, 1]) });
  // One voxel meets the kernels' centres, -0.5 and 0.625, and the biases; the leak is a quarter.
  assert.deepEqual(logits?.data, Float32Array.of(0, 0.125));
  await session.release();
});

test("tensors of a large model lie beside it, and are found there by us, by ONNX and by onnxruntime", async () => {
  await using folder = await temporaryFolder("onnx");
  const path = join(folder.path, "large.onnx");
  const written = await writeOnnxFile(path, smallModel(), { externalPastBytes: 1000 });
  assert.deepEqual(
    written.map(({ file }) => file),
    ["large.onnx", "large.onnx.data"],
  );
  assert.ok((await stat(path)).size < 1000);
  assert.deepEqual(await readOnnxFile(path), smallModel());
  assert.deepEqual(await python("test/models/onnx/check_model.py", { path }), seenByOnnx);
  await (await InferenceSession.create(path)).release();
  await truncate(join(folder.path, "large.onnx.data"), 100);
  await assert.rejects(readOnnxFile(path), { code: "onnx-unreadable", message: /tensor unused \[2,300\] has 100 bytes/ });
});

test("a model never names a file outside its folder", async () => {
  await using folder = await temporaryFolder("onnx");
  const path = join(folder.path, "large.onnx");
  await writeOnnxFile(path, smallModel(), { externalPastBytes: 1000 });
  const bytes = await readFile(path);
  const at = bytes.indexOf("large.onnx.data");
  bytes.write("../../../passwd", at);
  await writeFile(path, bytes);
  await assert.rejects(readOnnxFile(path), { code: "onnx-unreadable", message: /expected a file in the same folder/ });
});

test("what torch exported is read: the shipped reference network", async () => {
  const model = await readOnnxFile("models/reference/model.onnx");
  assert.deepEqual(model.graph.inputs[0], { name: "input", type: "float32", dims: [1, 1, "depth", "height", "width"] });
  assert.ok(model.graph.nodes.some(({ op }) => op === "ConvTranspose"));
  assert.ok(model.graph.initializers.every(({ data, dims }) => data.length === dims.reduce((product, length) => product * length, 1)));
});

/** fc.record, with plain objects as we make them. */
function record<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys?: (keyof T)[]): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true, ...(requiredKeys && { requiredKeys }) }) as fc.Arbitrary<T>;
}

const tensors: fc.Arbitrary<OnnxTensor> = fc
  .record({ name: fc.string({ minLength: 1 }), rows: fc.integer({ min: 0, max: 4 }), columns: fc.integer({ min: 1, max: 5 }) })
  .chain(({ name, rows, columns }) => {
    const size = { minLength: rows * columns, maxLength: rows * columns };
    const dims = [rows, columns];
    return fc.oneof(
      fc.float32Array({ ...size, noNaN: true }).map((data): OnnxTensor => ({ name, dims, type: "float32", data })),
      fc.float64Array({ ...size, noNaN: true }).map((data): OnnxTensor => ({ name, dims, type: "float64", data })),
      fc.int8Array(size).map((data): OnnxTensor => ({ name, dims, type: "int8", data })),
      fc.uint8Array(size).map((data): OnnxTensor => ({ name, dims, type: "uint8", data })),
      fc.uint16Array(size).map((data): OnnxTensor => ({ name, dims, type: "float16", data })),
      fc.int32Array(size).map((data): OnnxTensor => ({ name, dims, type: "int32", data })),
      fc.bigInt64Array(size).map((data): OnnxTensor => ({ name, dims, type: "int64", data })),
    );
  });
const word = fc.string({ minLength: 1, unit: "grapheme" });
const attribute = fc.oneof(
  fc.maxSafeInteger(),
  fc.float({ noNaN: true }).map((float) => ({ float })),
  fc.string(),
  fc.array(fc.maxSafeInteger()),
  fc.array(fc.float({ noNaN: true })).map((floats) => ({ floats })),
  fc.array(fc.string()).map((strings) => ({ strings })),
  tensors,
);
const dictionary = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(
    word.filter((key) => key !== "__proto__"),
    value,
    { minKeys: 1, maxKeys: 3, noNullPrototype: true },
  );
const values = fc.array(
  record({
    name: word,
    type: fc.constantFrom("float32" as const, "uint8" as const),
    dims: fc.array(fc.oneof(fc.nat(), word), { maxLength: 5 }),
  }),
  { maxLength: 2 },
);
const anyModel: fc.Arbitrary<OnnxModel> = record(
  {
    opset: fc.integer({ min: 1, max: 26 }),
    domains: dictionary(fc.nat()).filter((domains) => !("ai.onnx" in domains)),
    metadata: dictionary(fc.string()),
    graph: record({
      name: fc.string(),
      nodes: fc.array(
        record(
          { op: word, name: word, domain: word, inputs: fc.array(fc.string()), outputs: fc.array(word), attributes: dictionary(attribute) },
          ["op", "inputs", "outputs"],
        ),
        { maxLength: 3 },
      ),
      initializers: fc.array(tensors, { maxLength: 3 }),
      inputs: values,
      outputs: values,
    }),
  },
  ["opset", "graph"],
) as fc.Arbitrary<OnnxModel>;

test("whatever is written is read back the same", () => {
  fc.assert(
    fc.property(anyModel, (model) => {
      assert.deepEqual(decodeOnnx(Buffer.concat([...encodeOnnx(model)])), model);
    }),
  );
});

test("bytes that are no ONNX are refused, never crash", () => {
  const whole = Buffer.concat([...encodeOnnx(smallModel())]);
  const read = (bytes: Uint8Array): void => {
    try {
      decodeOnnx(bytes);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "onnx-unreadable", String((error as Error).stack));
    }
  };
  for (let length = 0; length < 800; length += 7) assert.throws(() => decodeOnnx(whole.subarray(0, length)), { code: "onnx-unreadable" });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read));
  fc.assert(
    fc.property(fc.nat({ max: 700 }), fc.nat({ max: 255 }), (at, byte) => {
      const broken = Buffer.from(whole);
      broken[at] = byte;
      read(broken);
    }),
  );
});
