import { RefusedError } from "../../appliance/base/errors.ts";
import type { Weights } from "../network/u-net.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { convsOf, type UNetLayers } from "./layers.ts";

/**
 * The weights that a network's layers need, from its fp32 ONNX file, whose initializers keep the state dict's names. Refused where one is
 * missing or has another shape (`quantise-weights`): the file is then not of these plans.
 *
 * A channel whose normalisation turns its sign (gamma below 0) has its filter turned instead: the same function, and what is below 0 after the
 * normalisation is then what the ReLU takes away.
 */
export function weightsOf({ graph }: OnnxModel, layers: UNetLayers): Weights {
  const stored = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const weights = new Map<string, { dims: readonly number[]; data: Float32Array }>();
  const take = (name: string, dims: readonly number[]): void => {
    const tensor = stored.get(name);
    if (!tensor || !(tensor.data instanceof Float32Array))
      throw refused(`the network has no float32 weights named ${name}; import the model again from its checkpoint`);
    if (tensor.dims.join() !== dims.join()) throw refused(`${name} is [${tensor.dims}], expected [${dims}] by the plans`);
    weights.set(name, { dims: tensor.dims, data: tensor.data });
  };
  for (const { name, channelsIn, channelsOut, kernel } of convsOf(layers)) {
    take(`${name}.conv.weight`, [channelsOut, channelsIn, ...kernel]);
    if (layers.normAffine) {
      take(`${name}.norm.weight`, [channelsOut]);
      take(`${name}.norm.bias`, [channelsOut]);
    } else {
      weights.set(`${name}.norm.weight`, { dims: [channelsOut], data: new Float32Array(channelsOut).fill(1) });
      weights.set(`${name}.norm.bias`, { dims: [channelsOut], data: new Float32Array(channelsOut) });
    }
  }
  for (const { up } of layers.decoder) {
    take(`${up.name}.weight`, [up.channelsIn, up.channelsOut, ...up.stride]);
    if (layers.upBias) take(`${up.name}.bias`, [up.channelsOut]);
    else weights.set(`${up.name}.bias`, { dims: [up.channelsOut], data: new Float32Array(up.channelsOut) });
  }
  for (const { name } of convsOf(layers)) turnNegativeGammas(weights, name);
  const { name, channels, classes } = layers.head;
  take(`${name}.weight`, [classes, channels, 1, 1, 1]);
  take(`${name}.bias`, [classes]);
  return weights;
}

function turnNegativeGammas(weights: Map<string, { dims: readonly number[]; data: Float32Array }>, name: string): void {
  const gamma = weights.get(`${name}.norm.weight`)!;
  if (gamma.data.every((value) => value >= 0)) return;
  const filter = weights.get(`${name}.conv.weight`)!;
  const perChannel = filter.data.length / gamma.data.length;
  const turned = filter.data.map((value, at) => (gamma.data[Math.floor(at / perChannel)]! < 0 ? -value : value));
  weights.set(`${name}.conv.weight`, { dims: filter.dims, data: turned });
  weights.set(`${name}.norm.weight`, { dims: gamma.dims, data: gamma.data.map(Math.abs) });
}

/**
 * The head as NetworkFeatures keeps it: float32, weights [class][channel], then bias [class]. It takes codes less their zero point: each
 * channel's scale is in its weights.
 */
export function headBytes(weights: Weights, { head }: UNetLayers, scales: Float32Array): Uint8Array {
  const values = new Float32Array(head.classes * (head.channels + 1));
  const stored = weights.get(`${head.name}.weight`)!.data;
  for (let at = 0; at < stored.length; at++) values[at] = stored[at]! * scales[at % head.channels]!;
  values.set(weights.get(`${head.name}.bias`)!.data, stored.length);
  return new Uint8Array(values.buffer);
}

const refused = (message: string): RefusedError => new RefusedError("quantise-weights", message);
