import type { ElementType, TensorData } from "./graph.ts";

/**
 * Field numbers of ONNX's messages, as far as we write or read them.
 *
 * @source onnx/onnx.proto (ONNX IR 10), the order of the messages there
 */
export const attributeField = { name: 1, f: 2, i: 3, s: 4, t: 5, floats: 7, ints: 8, strings: 9, type: 20 } as const;
export const valueField = { name: 1, type: 2 } as const;
export const nodeField = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
export const modelField = { irVersion: 1, producer: 2, graph: 7, opsetImport: 8, metadata: 14 } as const;
export const entryField = { key: 1, value: 2 } as const;
export const graphField = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
export const tensorField = {
  dims: 1,
  type: 2,
  segment: 3,
  floats: 4,
  int32s: 5,
  int64s: 7,
  name: 8,
  raw: 9,
  doubles: 10,
  external: 13,
  location: 14,
} as const;
export const shapeField = { dim: 1, dimValue: 1, dimParam: 2 } as const;
export const typeField = { tensor: 1, elementType: 1, shape: 2 } as const;
export const opsetField = { domain: 1, version: 2 } as const;

/** AttributeProto.AttributeType. */
export const attributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

/** TensorProto.DataLocation. */
export const storedExternally = 1;

/** TensorProto.DataType and the array that holds such values. */
export const elementTypes = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  float16: { code: 10, array: Uint16Array },
  float64: { code: 11, array: Float64Array },
} as const satisfies Readonly<Record<ElementType, { code: number; array: unknown }>>;

/** The type with this TensorProto.DataType, where it is one of ours. */
export function elementTypeOf(code: number): ElementType | undefined {
  return (Object.keys(elementTypes) as ElementType[]).find((type) => elementTypes[type].code === code);
}

/** Bytes as values of a type: a view where they are aligned, else a copy. The length must be a whole number of values. */
export function valuesOf(type: ElementType, bytes: Uint8Array): TensorData {
  const { array } = elementTypes[type];
  const size = array.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice() would not copy
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}
