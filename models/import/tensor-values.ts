import { type StorageType, storageBytes, type TorchTensor } from "./torch-values.ts";

/** The values of a tensor, last axis fastest, as float32, out of the whole of its storage. */
export function readValues({ storage, offset, dims, strides }: TorchTensor, bytes: Uint8Array): Float32Array {
  const count = dims.reduce((product, length) => product * length, 1);
  const isContiguous = dims.every((length, axis) => length <= 1 || strides[axis] === product(dims.slice(axis + 1)));
  if (isContiguous) return floats(storage.type, bytes, offset, count);
  const all = floats(storage.type, bytes, 0, storage.count);
  const values = new Float32Array(count);
  const index = new Array<number>(dims.length).fill(0);
  let from = offset;
  for (let at = 0; at < count; at++) {
    values[at] = all[from]!;
    // Counts up the last axis, and carries.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      index[axis]! += 1;
      if (index[axis]! < dims[axis]!) break;
      from -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return values;
}

const product = (lengths: readonly number[]): number => lengths.reduce((all, length) => all * length, 1);

/** Elements of a storage as float32; whole numbers past 2^24 and doubles lose digits, which no weight has. */
function floats(type: StorageType, bytes: Uint8Array, from: number, count: number): Float32Array {
  const size = storageBytes[type];
  const part = new Uint8Array(bytes.buffer, bytes.byteOffset + from * size, count * size).slice(); // aligned
  const { buffer } = part;
  switch (type) {
    case "FloatStorage":
      return new Float32Array(buffer);
    case "DoubleStorage":
      return Float32Array.from(new Float64Array(buffer));
    case "HalfStorage":
      return Float32Array.from(new Float16Array(buffer));
    case "BFloat16Storage": {
      // The upper half of a float32.
      const halves = new Uint16Array(buffer);
      const bits = new Uint32Array(count);
      for (let at = 0; at < count; at++) bits[at] = halves[at]! << 16;
      return new Float32Array(bits.buffer);
    }
    case "LongStorage":
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case "IntStorage":
      return Float32Array.from(new Int32Array(buffer));
    case "ShortStorage":
      return Float32Array.from(new Int16Array(buffer));
    case "CharStorage":
      return Float32Array.from(new Int8Array(buffer));
    case "ByteStorage":
    case "BoolStorage":
      return Float32Array.from(part);
    default:
      return type satisfies never;
  }
}
