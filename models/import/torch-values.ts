import { PickleGlobal, type PickleMaker, PickleObject, type PickleRules, type PickleValue, pickleUnreadable } from "./pickle-values.ts";

/** Element types of torch's storages, with the bytes of one element. */
export const storageBytes = {
  FloatStorage: 4,
  DoubleStorage: 8,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
} as const;
export type StorageType = keyof typeof storageBytes;

/** A run of elements, in the archive's entry `data/KEY`. Several tensors may look into one. */
export class TorchStorage {
  readonly type: StorageType;
  readonly key: string;
  readonly count: number;
  constructor(type: StorageType, key: string, count: number) {
    this.type = type;
    this.key = key;
    this.count = count;
  }
}

/** A tensor as a view: element (i, j, …) is `storage[offset + i * strides[0] + j * strides[1] + …]`. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: TorchStorage, offset: number, dims: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.dims = dims;
    this.strides = strides;
  }
}

const whole = (value: PickleValue | undefined): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const wholes = (value: PickleValue | undefined): value is number[] => Array.isArray(value) && value.every(whole);

/** @source torch/_utils.py, _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks) */
const rebuildTensor: PickleMaker = ([storage, offset, dims, strides]) => {
  if (!(storage instanceof TorchStorage) || !whole(offset) || !wholes(dims) || !wholes(strides) || dims.length !== strides.length)
    throw pickleUnreadable("a tensor of an unknown form");
  if (dims.length > 8) throw pickleUnreadable(`a tensor of ${dims.length} dimensions`);
  const last = dims.some((length) => length === 0) ? -1 : dims.reduce((sum, length, axis) => sum + (length - 1) * strides[axis]!, offset);
  // A view may repeat elements; one that makes more of them than there are is no weight, and could fill any memory.
  const count = dims.reduce((product, length) => product * length, 1);
  if (count > storage.count) throw pickleUnreadable(`a tensor [${dims}] of more elements than its storage has (${storage.count})`);
  if (last >= storage.count) throw pickleUnreadable(`a tensor [${dims}] reaches past its storage of ${storage.count} elements`);
  return new TorchTensor(storage, offset, dims, strides);
};

/** A number as numpy pickles it: its type, and its bytes. */
const numpyScalar: PickleMaker = ([type, bytes]) => {
  const name = type instanceof PickleObject ? type.args[0] : undefined;
  if (bytes instanceof Uint8Array) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (name === "f8" && buffer.length === 8) return buffer.readDoubleLE();
    if (name === "f4" && buffer.length === 4) return buffer.readFloatLE();
    if (name === "i8" && buffer.length === 8) return buffer.readBigInt64LE();
    if (name === "i4" && buffer.length === 4) return buffer.readInt32LE();
    if (name === "b1" && buffer.length === 1) return buffer[0] !== 0;
  }
  return new PickleObject("numpy scalar", [name ?? null]);
};

/** Bytes, in the way that protocol 2 writes them. */
const encode: PickleMaker = ([text, encoding]) => {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) throw pickleUnreadable(`bytes in an unknown encoding`);
  return Buffer.from(text, "latin1");
};

const opaque =
  (name: string): PickleMaker =>
  (args) =>
    new PickleObject(name, args);

/** An OrderedDict comes empty, or with a list of pairs. */
const orderedDict: PickleMaker = ([pairs]) => {
  const map = new Map<PickleValue, PickleValue>();
  if (pairs === undefined) return map;
  if (!Array.isArray(pairs)) throw pickleUnreadable("a dictionary of an unknown form");
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw pickleUnreadable("a dictionary of an unknown form");
    map.set(pair[0]!, pair[1]!);
  }
  return map;
};

const first: PickleMaker = ([value]) => value ?? null;
const setOf: PickleMaker = ([items]) => new Set(Array.isArray(items) ? items : []);

/**
 * All that a checkpoint may name. Whatever is not here ends the reading: there is no way to a module, a function or a class.
 *
 * @source what torch.save writes of an nnU-Net v2 checkpoint with torch 1.13 to 2.x and numpy 1 and 2
 */
const globals: ReadonlyMap<string, PickleMaker | null> = new Map<string, PickleMaker | null>([
  ["collections.OrderedDict", orderedDict],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_parameter", first],
  ["torch.Size", first],
  ["torch.device", opaque("torch.device")],
  ...Object.keys(storageBytes).map((name): [string, null] => [`torch.${name}`, null]),
  ["numpy.core.multiarray.scalar", numpyScalar],
  ["numpy._core.multiarray.scalar", numpyScalar],
  ["numpy.core.multiarray._reconstruct", opaque("numpy array")],
  ["numpy._core.multiarray._reconstruct", opaque("numpy array")],
  ["numpy.ndarray", null],
  ["numpy.dtype", opaque("numpy.dtype")],
  ["_codecs.encode", encode],
  ["builtins.set", setOf],
  ["__builtin__.set", setOf],
]);

/** @source torch/serialization.py, persistent_id: ("storage", type, key, location, number of elements) */
function persistent(id: PickleValue): TorchStorage {
  const [kind, type, key, , count] = Array.isArray(id) ? id : [];
  const name = type instanceof PickleGlobal ? type.name.replace(/^torch\./, "") : "";
  if (kind !== "storage" || !Object.hasOwn(storageBytes, name) || typeof key !== "string" || !/^\d{1,9}$/.test(key) || !whole(count))
    throw pickleUnreadable("a storage of an unknown form");
  return new TorchStorage(name as StorageType, key, count);
}

export const torchRules: PickleRules = { globals, persistent };
