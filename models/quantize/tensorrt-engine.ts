import type { NetworkFile } from "../../appliance/domain/model.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { contributed } from "./graph-builder.ts";

/**
 * The call of NVIDIA's `trtexec` that builds an engine from a graph of {@link tensorrtGraph}, for the card that it runs on. An engine is of one
 * TensorRT version and one kind of card; it is never shipped.
 */
export function trtexecArguments(onnxFile: string, engineFile: string, patch: Zyx): readonly string[] {
  const shape = `input:${[1, 1, ...patch].join("x")}`;
  return [
    `--onnx=${onnxFile}`,
    `--saveEngine=${engineFile}`,
    "--int8",
    "--fp16", // what carries no quantising step is computed in half precision
    `--minShapes=${shape}`,
    `--optShapes=${shape}`,
    `--maxShapes=${shape}`,
    "--skipInference",
  ];
}

/**
 * An ONNX file around a built engine: one EPContext node, which onnxruntime's TensorRT provider loads without any option. That matters here, as
 * onnxruntime-node can't pass it options.
 *
 * @param engine its bytes, which then are in the file; or the name of the engine's file beside this one
 * @source onnxruntime.ai, EP Context Design: EPContext Op Schema
 */
export function engineGraph(
  engine: Uint8Array | string,
  { patch, classes, computeCapability }: { readonly patch: Zyx; readonly classes: number; readonly computeCapability: string },
): OnnxModel {
  return {
    opset: 17,
    domains: { [contributed]: 1 },
    metadata: {},
    graph: {
      name: "tensorrt-engine",
      nodes: [
        {
          op: "EPContext",
          domain: contributed,
          name: "engine",
          inputs: ["input"],
          outputs: ["logits"],
          attributes: {
            main_context: 1,
            embed_mode: typeof engine === "string" ? 0 : 1,
            ep_cache_context: engine,
            source: "TensorrtExecutionProvider",
            hardware_architecture: computeCapability,
          },
        },
      ],
      initializers: [],
      inputs: [{ name: "input", type: "float32", dims: [1, 1, ...patch] }],
      outputs: [{ name: "logits", type: "float32", dims: [1, classes, ...patch] }],
    },
  };
}

/** How the manifest lists the graph that an engine is built from. */
export function tensorrtForm(written: Pick<NetworkFile, "file" | "sha256" | "sizeBytes">): NetworkFile {
  return { ...written, precision: "int8", engine: "tensorrt", input: "input", output: "logits" };
}
