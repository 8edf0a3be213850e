/** Values of a tensor as they lie in memory, little-endian; a Uint16Array holds the bits of float16. */
export type TensorData = Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array | BigInt64Array | Uint16Array;

export type ElementType = "float32" | "float64" | "float16" | "int8" | "uint8" | "int32" | "int64";

/** A tensor with its values, first axis slowest. */
export type OnnxTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: ElementType;
  readonly data: TensorData;
};

/** A plain number is an INT, `{ float }` a FLOAT; a list of numbers INTS, `{ floats }` FLOATS; bytes a STRING that is no text. */
export type OnnxAttribute =
  | number
  | { readonly float: number }
  | string
  | Uint8Array
  | readonly number[]
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | OnnxTensor;

/** One operator. An input that is left out is the empty name. */
export type OnnxNode = {
  readonly op: string;
  /** Who defines the operator; absent for ONNX's own. */
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
};

/** What goes into a graph or comes out: a word in place of a length means any length, the same for the same word. */
export type OnnxValue = { readonly name: string; readonly type: ElementType; readonly dims: readonly (number | string)[] };

export type OnnxGraph = {
  readonly name: string;
  /** In an order in which each finds its inputs made. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
};

export type OnnxModel = {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** Versions of other domains' operators. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
};
