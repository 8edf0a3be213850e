import type { ElementType, OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue, TensorData } from "../onnx/graph.ts";

/** onnxruntime's own operators. */
export const contributed = "com.microsoft";

/** Collects the nodes and constants of a graph; names are handed out, so that they never meet. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  /** Small constants by type, shape and values: a U-Net names the same scales and shapes over and over. */
  readonly #small = new Map<string, string>();
  #names = 0;

  constant(type: ElementType, dims: readonly number[], data: TensorData, hint = "c"): string {
    const key = data.length <= 16 ? `${type} ${dims.join()} ${data.join()}` : undefined;
    const known = key === undefined ? undefined : this.#small.get(key);
    if (known !== undefined) return known;
    const name = this.#name(hint);
    this.#initializers.push({ name, dims, type, data });
    if (key !== undefined) this.#small.set(key, name);
    return name;
  }

  /** A constant under a name of its own, as the state dict has it. */
  named(name: string, dims: readonly number[], data: Float32Array): string {
    if (!this.#initializers.some((tensor) => tensor.name === name)) this.#initializers.push({ name, dims, type: "float32", data });
    return name;
  }

  float(value: number): string {
    return this.constant("float32", [], Float32Array.of(value));
  }
  floats(values: Float32Array, dims: readonly number[] = [values.length]): string {
    return this.constant("float32", dims, values);
  }
  byte(value: number): string {
    return this.constant("uint8", [], Uint8Array.of(value));
  }
  ints(...values: readonly number[]): string {
    return this.constant("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds an operator with one output and gives that output's name. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    { domain, output }: { readonly domain?: string; readonly output?: string } = {},
  ): string {
    const name = output ?? this.#name(op);
    this.#nodes.push({ op, name: `${name}/${op}`, inputs, outputs: [name], attributes, ...(domain === undefined ? {} : { domain }) });
    return name;
  }

  /** A tensor of one byte over and over, made when the graph runs. */
  filled(dims: readonly number[], byte: number): string {
    return this.node("ConstantOfShape", [this.ints(...dims)], {
      value: { name: "", type: "uint8", dims: [1], data: Uint8Array.of(byte) },
    });
  }
  reshape(value: string, ...dims: readonly number[]): string {
    return this.node("Reshape", [value, this.ints(...dims)]);
  }
  transpose(value: string, ...perm: readonly number[]): string {
    return this.node("Transpose", [value], { perm });
  }
  /** Several values as one along an axis; one as it is. */
  joined(values: readonly string[], axis: number): string {
    return values.length > 1 ? this.node("Concat", values, { axis }) : values[0]!;
  }
  /** Gives a value a name of one's own, as an output of the graph. */
  output(value: string, name: string): void {
    this.node("Identity", [value], {}, { output: name });
  }

  model(
    name: string,
    inputs: readonly OnnxValue[],
    outputs: readonly OnnxValue[],
    { opset = 17, metadata = {} }: { readonly opset?: number; readonly metadata?: Readonly<Record<string, string>> } = {},
  ): OnnxModel {
    const uses = this.#nodes.some(({ domain }) => domain === contributed);
    return {
      opset,
      ...(uses ? { domains: { [contributed]: 1 } } : {}),
      metadata,
      graph: { name, nodes: this.#nodes, initializers: this.#initializers, inputs, outputs },
    };
  }

  #name(hint: string): string {
    this.#names++;
    return `${hint}_${this.#names}`;
  }
}
