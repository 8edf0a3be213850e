import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import type { OnnxModel, OnnxNode, OnnxTensor } from "../onnx/graph.ts";

/** A network's weights by their state-dict name, first axis slowest. */
export type Weights = ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;

type Dims = readonly number[];
type Take = (name: string, dims: Dims) => void;

const whole: Dims = [1, 1, 1];

/**
 * The network of a plan as an ONNX graph in fp32: input "input" [1, 1, depth, height, width] of any size that the strides divide, output "logits"
 * [1, classes, depth, height, width]. Initializers carry their state-dict names, and nodes the name of their module. Of the heads for deep
 * supervision only the finest is in it.
 *
 * @param weights all of {@link expectedWeights}, of these shapes
 */
export function fp32Graph(
  plan: NetworkPlan,
  classes: number,
  weights: Weights,
  metadata: Readonly<Record<string, string>> = {},
): OnnxModel {
  const initializers: OnnxTensor[] = [];
  const nodes = nodesOf(plan, classes, (name, dims) => {
    const weight = weights.get(name) ?? constantOf(name, dims);
    if (!weight || weight.dims.join() !== dims.join()) throw new Error(`weight ${name}: expected [${dims}], found [${weight?.dims}]`);
    if (initializers.every((each) => each.name !== name)) initializers.push({ name, dims, type: "float32", data: weight.data });
  });
  return {
    opset: 17,
    metadata: { "segbox.architecture": plan.architecture, ...metadata },
    graph: {
      name: plan.architecture,
      nodes,
      initializers,
      inputs: [{ name: "input", type: "float32", dims: [1, 1, "depth", "height", "width"] }],
      outputs: [{ name: "logits", type: "float32", dims: [1, classes, "depth", "height", "width"] }],
    },
  };
}

/** Names and shapes of all weights that the network of a plan is computed from, in the order of computation. */
export function expectedWeights(plan: NetworkPlan, classes: number): ReadonlyMap<string, Dims> {
  const expected = new Map<string, Dims>();
  nodesOf(plan, classes, (name, dims) => {
    if (!constantOf(name, dims)) expected.set(name, dims);
  });
  return expected;
}

/**
 * @source dynamic_network_architectures (MIC-DKFZ): architectures/unet.py, building_blocks/plain_conv_encoder.py, residual_encoders.py,
 * residual.py (BasicBlockD), unet_decoder.py, simple_conv_blocks.py
 */
function nodesOf(plan: NetworkPlan, classes: number, take: Take): readonly OnnxNode[] {
  const layers = new Layers(plan, take);
  const { featuresPerStage: features, kernelSizes: kernels, strides } = plan;
  const isResidual = plan.architecture === "ResidualEncoderUNet";
  let value = "input";
  let channels = 1;
  if (isResidual) {
    value = layers.convs("encoder.stem", 1, value, channels, features[0]!, kernels[0]!, whole);
    channels = features[0]!;
  }
  const skips: string[] = [];
  for (const [stage, width] of features.entries()) {
    const [name, depth, kernel, stride] = [`encoder.stages.${stage}`, plan.encoderDepths[stage]!, kernels[stage]!, strides[stage]!];
    value = isResidual
      ? layers.residualBlocks(name, depth, value, channels, width, kernel, stride)
      : layers.convs(`${name}.0`, depth, value, channels, width, kernel, stride);
    skips.push(value);
    channels = width;
  }
  // Decoder stages count from the coarsest.
  for (let stage = 0; stage < features.length - 1; stage++) {
    const level = features.length - 2 - stage;
    const width = features[level]!;
    const up = layers.transposedConv(`decoder.transpconvs.${stage}`, value, channels, width, strides[level + 1]!);
    const joined = layers.concat(`decoder.concat.${stage}`, [up, skips[level]!]);
    value = layers.convs(`decoder.stages.${stage}`, plan.decoderDepths[stage]!, joined, 2 * width, width, kernels[level]!, whole);
    channels = width;
  }
  layers.conv(`decoder.seg_layers.${features.length - 2}`, value, channels, classes, whole, whole, true, "logits");
  return layers.nodes;
}

/** Nodes in their order; every method gives back the name of what it computes. */
class Layers {
  readonly nodes: OnnxNode[] = [];
  readonly #plan: NetworkPlan;
  readonly #take: Take;

  constructor(plan: NetworkPlan, take: Take) {
    this.#plan = plan;
    this.#take = take;
  }

  convs(name: string, depth: number, input: string, inside: number, outside: number, kernel: Dims, stride: Dims): string {
    let value = input;
    for (let n = 0; n < depth; n++) {
      const block = `${name}.convs.${n}`;
      value = this.#convNorm(block, value, n === 0 ? inside : outside, outside, kernel, n === 0 ? stride : whole, this.#plan.convBias);
      value = this.#leaky(`${block}.nonlin`, value);
    }
    return value;
  }

  residualBlocks(name: string, depth: number, input: string, inside: number, outside: number, kernel: Dims, stride: Dims): string {
    let value = input;
    for (let n = 0; n < depth; n++)
      value = this.#residualBlock(`${name}.blocks.${n}`, value, n === 0 ? inside : outside, outside, kernel, n === 0 ? stride : whole);
    return value;
  }

  /** ResNet-D's block: its skip is an average pool where the block has a stride, then 1 x 1 x 1 where the channels change. */
  #residualBlock(name: string, input: string, inside: number, outside: number, kernel: Dims, stride: Dims): string {
    const { convBias } = this.#plan;
    let value = this.#convNorm(`${name}.conv1`, input, inside, outside, kernel, stride, convBias);
    value = this.#leaky(`${name}.conv1.nonlin`, value);
    value = this.#convNorm(`${name}.conv2`, value, outside, outside, kernel, whole, convBias);
    const isStrided = stride.some((step) => step !== 1);
    let skip = input;
    if (isStrided) skip = this.#node("AveragePool", `${name}.skip.0`, [skip], { kernel_shape: stride, strides: stride });
    // The place in upstream's sequence: after the pool, where there is one.
    if (inside !== outside) skip = this.#convNorm(`${name}.skip.${isStrided ? 1 : 0}`, skip, inside, outside, whole, whole, false);
    return this.#leaky(`${name}.nonlin2`, this.#node("Add", `${name}.add`, [value, skip]));
  }

  #convNorm(name: string, input: string, inside: number, outside: number, kernel: Dims, stride: Dims, bias: boolean): string {
    const value = this.conv(`${name}.conv`, input, inside, outside, kernel, stride, bias);
    const [scale, shift] = this.#plan.normAffine ? [`${name}.norm.weight`, `${name}.norm.bias`] : [`ones.${outside}`, `zeros.${outside}`];
    this.#take(scale, [outside]);
    this.#take(shift, [outside]);
    return this.#node("InstanceNormalization", `${name}.norm`, [value, scale, shift], { epsilon: { float: this.#plan.normEps } });
  }

  conv(
    name: string,
    input: string,
    inside: number,
    outside: number,
    kernel: Dims,
    stride: Dims,
    bias: boolean,
    output: string = name,
  ): string {
    this.#take(`${name}.weight`, [outside, inside, ...kernel]);
    if (bias) this.#take(`${name}.bias`, [outside]);
    const pads = kernel.map((length) => (length - 1) / 2);
    const attributes = { kernel_shape: kernel, pads: [...pads, ...pads], strides: stride };
    const inputs = [input, `${name}.weight`, ...(bias ? [`${name}.bias`] : [])];
    this.nodes.push({ op: "Conv", name, inputs, outputs: [output], attributes });
    return output;
  }

  transposedConv(name: string, input: string, inside: number, outside: number, stride: Dims): string {
    this.#take(`${name}.weight`, [inside, outside, ...stride]);
    if (this.#plan.convBias) this.#take(`${name}.bias`, [outside]);
    const inputs = [input, `${name}.weight`, ...(this.#plan.convBias ? [`${name}.bias`] : [])];
    return this.#node("ConvTranspose", name, inputs, { kernel_shape: stride, strides: stride });
  }

  concat(name: string, inputs: readonly string[]): string {
    return this.#node("Concat", name, inputs, { axis: 1 });
  }

  #leaky(name: string, input: string): string {
    return this.#node("LeakyRelu", name, [input], { alpha: { float: this.#plan.leakySlope } });
  }

  /** A node whose output has its name. */
  #node(op: string, name: string, inputs: readonly string[], attributes?: OnnxNode["attributes"]): string {
    this.nodes.push({ op, name, inputs, outputs: [name], ...(attributes && { attributes }) });
    return name;
  }
}

/** Scale and shift of a normalisation that has none of its own. */
function constantOf(name: string, dims: Dims): { dims: Dims; data: Float32Array } | undefined {
  const count = dims[0] ?? 0;
  if (/^ones\.\d+$/.test(name)) return { dims, data: new Float32Array(count).fill(1) };
  return /^zeros\.\d+$/.test(name) ? { dims, data: new Float32Array(count) } : undefined;
}
