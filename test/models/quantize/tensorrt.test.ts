import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openGraph } from "../../../appliance/inference/graph-runner.ts";
import { fp32Graph } from "../../../models/network/u-net.ts";
import { decodeOnnx } from "../../../models/onnx/read.ts";
import { encodeOnnx, writeOnnxFile } from "../../../models/onnx/write.ts";
import { countTensors } from "../../../models/quantize/calibrate.ts";
import { floatGraph } from "../../../models/quantize/float-graph.ts";
import { layersOf } from "../../../models/quantize/layers.ts";
import { Sqnr } from "../../../models/quantize/sqnr.ts";
import { chooseRanges } from "../../../models/quantize/tensor-ranges.ts";
import { engineGraph, trtexecArguments } from "../../../models/quantize/tensorrt-engine.ts";
import { tensorrtGraph } from "../../../models/quantize/tensorrt-graph.ts";
import { weightsOf } from "../../../models/quantize/weights.ts";
import { randomWeights, shapesPatch, smallPlan } from "../../make/random-u-net.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

const [shape, classes] = [[16, 24, 20] as const, 5];

async function quantised() {
  const plan = smallPlan();
  const stored = fp32Graph(plan, classes, randomWeights(plan, classes));
  const layers = layersOf(plan, classes);
  const weights = weightsOf(stored, layers);
  const { model, taps } = floatGraph(layers, weights, { step: 1 });
  const float = await openGraph(Buffer.concat([...encodeOnnx(model)]), { threads: 2 });
  const patches = [1, 2, 3, 4].map((seed) => shapesPatch(shape, seed));
  const { counts } = await countTensors(float, taps, patches, shape);
  await float.close();
  return { stored, graph: tensorrtGraph(layers, weights, chooseRanges(layers, counts)) };
}

test("the graph for TensorRT is a valid ONNX file, symmetric, and computes what fp32 does but for eight bits", async () => {
  await using folder = await temporaryFolder("tensorrt");
  const { stored, graph } = await quantised();
  await writeOnnxFile(join(folder.path, "trt.onnx"), graph);
  await python("test/models/onnx/check_model.py", { path: join(folder.path, "trt.onnx") });
  const zeros = new Set(graph.graph.nodes.filter(({ op }) => op === "QuantizeLinear").map(({ inputs }) => inputs[2]));
  for (const { name, type, data } of graph.graph.initializers) if (zeros.has(name)) assert.deepEqual([type, [...data]], ["int8", [0]]);
  // Ten convolutions with a normalisation, all but the first.
  assert.equal(graph.graph.nodes.filter(({ op }) => op === "QuantizeLinear").length, 9);
  const patch = shapesPatch(shape, 9);
  const logits = async (model: typeof graph): Promise<Float32Array> => {
    const runner = await openGraph(Buffer.concat([...encodeOnnx(model)]), { threads: 2 });
    const outputs = await runner.run(patch, [1, 1, ...shape]).finally(() => runner.close());
    return outputs.get("logits")!.data as Float32Array;
  };
  const [expected, found] = [await logits(stored), await logits(graph)];
  const sqnr = new Sqnr();
  for (let at = 0; at < expected.length; at++) sqnr.add(expected[at]!, found[at]!);
  assert.ok(sqnr.db > 15, `${sqnr.db} dB`);
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
