import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import type { OnnxModel } from "../onnx/graph.ts";

/** A graph that also gives out what goes into its head, and the head as a file's content. */
export type HeadOff = { readonly model: OnnxModel; readonly output: string; readonly channels: number; readonly head: Float32Array };

/**
 * Where a network has more classes than features, its answer for a patch is several times as large as what its last, 1 x 1 x 1 convolution is
 * computed from, and so are the sums over patches. Such a graph gets that as a second output; whoever asks for it alone gets no logits computed.
 * Null for the others.
 *
 * @param model of fp32Graph: its last node is the head
 */
export function withHeadOff(model: OnnxModel, { featuresPerStage: [channels = 0] }: NetworkPlan, classes: number): HeadOff | null {
  if (channels >= classes) return null;
  const { graph } = model;
  const [output, weight, bias] = graph.nodes.at(-1)!.inputs as [string, string, string];
  const valuesOf = (name: string): Float32Array => graph.initializers.find((each) => each.name === name)!.data as Float32Array;
  const features = { name: output, type: "float32", dims: [1, channels, "depth", "height", "width"] } as const;
  const head = new Float32Array(classes * (channels + 1));
  head.set(valuesOf(weight));
  head.set(valuesOf(bias), classes * channels);
  return { model: { ...model, graph: { ...graph, outputs: [...graph.outputs, features] } }, output, channels, head };
}
