import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { decodeOnnx } from "../../../models/onnx/read.ts";
import { encodeOnnx, writeOnnxFile } from "../../../models/onnx/write.ts";
import { engineGraph, trtexecArguments } from "../../../models/quantize/tensorrt-engine.ts";
import { tensorrtGraph } from "../../../models/quantize/tensorrt-graph.ts";
import { calibrated, logitsOf, noiseDb } from "../../make/calibrated-network.ts";
import { shapesPatch, smallPlan, smallResidualPlan } from "../../make/random-u-net.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

const [shape, classes] = [[16, 24, 20] as const, 5];

/** Of ten convolutions with a normalisation, or 22 (two in skips), all but the first are computed in INT8. */
const networks = [
  { plan: smallPlan(), inInt8: 9 },
  { plan: smallResidualPlan(), inInt8: 21 },
];

for (const { plan, inInt8 } of networks)
  test(`${plan.architecture}: the graph for TensorRT is a valid ONNX file, symmetric, and computes what fp32 does but for eight bits`, async () => {
    await using folder = await temporaryFolder("tensorrt");
    const { stored, layers, weights, ranges, float } = await calibrated(plan, classes, shape);
    await float.close();
    const graph = tensorrtGraph(layers, weights, ranges);
    await writeOnnxFile(join(folder.path, "trt.onnx"), graph);
    await python("test/models/onnx/check_model.py", { path: join(folder.path, "trt.onnx") });
    const zeros = new Set(graph.graph.nodes.filter(({ op }) => op === "QuantizeLinear").map(({ inputs }) => inputs[2]));
    for (const { name, type, data } of graph.graph.initializers) if (zeros.has(name)) assert.deepEqual([type, [...data]], ["int8", [0]]);
    assert.equal(graph.graph.nodes.filter(({ op }) => op === "QuantizeLinear").length, inInt8);
    const patch = shapesPatch(shape, 9);
    const db = noiseDb(await logitsOf(stored, patch, shape), await logitsOf(graph, patch, shape));
    assert.ok(db > 15, `${db} dB`);
  });

test("an engine is wrapped in one node that holds it, or names it", () => {
  const about = { patch: shape, classes, computeCapability: "89" };
  for (const [engine, embedded] of [
    [Uint8Array.of(0, 255, 128, 7), 1],
    ["main.engine", 0],
  ] as const) {
    const { graph, domains } = decodeOnnx(Buffer.concat([...encodeOnnx(engineGraph(engine, about))]));
    assert.deepEqual(domains, { "com.microsoft": 1 });
    const [node, ...others] = graph.nodes;
    assert.equal(others.length, 0);
    assert.deepEqual([node!.op, node!.domain, node!.inputs, node!.outputs], ["EPContext", "com.microsoft", ["input"], ["logits"]]);
    assert.equal(node!.attributes!.embed_mode, embedded);
    const held = node!.attributes!.ep_cache_context!;
    assert.deepEqual(typeof held === "string" ? held : Uint8Array.from(held as Uint8Array), engine);
    assert.deepEqual(graph.outputs[0]!.dims, [1, classes, ...shape]);
  }
});

test("trtexec is asked for INT8 with half precision beside it, at the patch's size", () => {
  const asked = trtexecArguments("main.onnx", "main.engine", [112, 112, 128]);
  for (const word of ["--onnx=main.onnx", "--saveEngine=main.engine", "--int8", "--fp16", "--optShapes=input:1x1x112x112x128"])
    assert.ok(asked.includes(word), word);
});
