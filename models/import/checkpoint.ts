import { basename } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import { readPickle } from "./pickle.ts";
import type { PickleValue } from "./pickle-values.ts";
import { readValues } from "./tensor-values.ts";
import { storageBytes, TorchTensor, torchRules } from "./torch-values.ts";
import { ZipArchive, type ZipEntry } from "./zip.ts";

/** A list of contents longer than this is none: nnU-Net's has some 60 kB, a few MB with its optimizer and log. */
const mostPickleBytes = 64 * 1024 * 1024;
/** A storage is read as a whole. The largest weight of a large network has some 30 MB. */
const mostStorageBytes = 4 * 1024 ** 3;

/** What inference needs of a checkpoint of nnU-Net's. Tensors are read from the file when they are asked for. */
export class Checkpoint implements AsyncDisposable {
  /** The network's tensors by their state-dict name. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly trainer: string | null;
  /** The configuration of plans.json that was trained: `3d_fullres`. */
  readonly configuration: string | null;
  /** Axes (nnU-Net's zyx) along which the training allows mirroring at inference. */
  readonly mirrorAxes: readonly number[];
  readonly #name: string;
  readonly #archive: ZipArchive;
  readonly #folder: string;
  /** The storage read last: neighbours in a checkpoint often share one. */
  #last: { readonly key: string; readonly bytes: Uint8Array } | undefined;

  private constructor(name: string, archive: ZipArchive, folder: string, root: Map<PickleValue, PickleValue>) {
    this.#name = name;
    this.#archive = archive;
    this.#folder = folder;
    this.tensors = tensorsOf(root.get("network_weights"));
    const text = (value: PickleValue | undefined): string | null => (typeof value === "string" ? value : null);
    this.trainer = text(root.get("trainer_name"));
    const args = root.get("init_args");
    this.configuration = args instanceof Map ? text(args.get("configuration")) : null;
    const axes = root.get("inference_allowed_mirroring_axes");
    this.mirrorAxes = Array.isArray(axes) ? axes.filter((axis): axis is number => axis === 0 || axis === 1 || axis === 2) : [];
  }

  /**
   * Opens a file that torch.save wrote (1.6 and later). Nothing in it is run. RefusedError, one line that names the file: not an archive, cut
   * off, naming anything but tensors and plain values, or not a checkpoint of nnU-Net v2.
   */
  static async open(path: string): Promise<Checkpoint> {
    const archive = await ZipArchive.open(path);
    try {
      const { folder, pickle } = contentsOf(archive);
      await checkByteOrder(archive, folder);
      return new Checkpoint(basename(path), archive, folder, rootOf(readPickle(await archive.read(pickle), torchRules)));
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      if (!(error instanceof RefusedError) || error.message.startsWith(basename(path))) throw error;
      throw new RefusedError(error.code, `${basename(path)}: ${error.message}`, { cause: error });
    }
  }

  /** A tensor's values in its own order, last axis fastest, as float32. RefusedError where the file does not hold them. */
  async read(name: string): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new RefusedError("weight-missing", `${this.#name} has no weight ${name}`);
    const { storage } = tensor;
    if (this.#last?.key !== storage.key) {
      const entry = this.#archive.entries.get(`${this.#folder}data/${storage.key}`);
      const expected = storage.count * storageBytes[storage.type];
      if (entry?.sizeBytes !== expected)
        throw new RefusedError(
          "checkpoint-damaged",
          `${this.#name}: weight ${name}: expected ${expected} bytes in data/${storage.key}, found ${entry?.sizeBytes ?? "none"}`,
        );
      if (expected > mostStorageBytes)
        throw new RefusedError(
          "checkpoint-unknown",
          `${this.#name}: weight ${name} lies in ${expected} bytes, expected at most ${mostStorageBytes}`,
        );
      this.#last = { key: storage.key, bytes: await this.#archive.read(entry) };
    }
    return readValues(tensor, this.#last!.bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#last = undefined;
    await this.#archive[Symbol.asyncDispose]();
  }
}

/** Everything lies in one folder, whose name is the file's when it was saved. */
function contentsOf({ entries }: ZipArchive): { readonly folder: string; readonly pickle: ZipEntry } {
  const pickles = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (!pickle || pickles.length > 1) throw new RefusedError("checkpoint-unknown", "not a checkpoint: expected one data.pkl inside");
  if (pickle.sizeBytes > mostPickleBytes)
    throw new RefusedError("checkpoint-unknown", `its list of contents has ${pickle.sizeBytes} bytes, expected at most ${mostPickleBytes}`);
  const folder = pickle.name.slice(0, pickle.name.indexOf("/") + 1);
  return { folder, pickle };
}

/** torch says since 2.1 in which order a number's bytes are; before, it was the machine's, which was little-endian wherever nnU-Net ran. */
async function checkByteOrder(archive: ZipArchive, folder: string): Promise<void> {
  const entry = archive.entries.get(`${folder}byteorder`);
  const found = entry && entry.sizeBytes <= 16 ? Buffer.from(await archive.read(entry)).toString("latin1") : "little";
  if (found !== "little") throw new RefusedError("checkpoint-unknown", `its numbers are ${JSON.stringify(found)}-endian, expected little`);
}

function rootOf(value: PickleValue): Map<PickleValue, PickleValue> {
  if (value instanceof Map && value.get("network_weights") instanceof Map) return value;
  const found = value instanceof Map ? [...value.keys()].filter((key) => typeof key === "string").slice(0, 5) : [];
  throw new RefusedError(
    "checkpoint-unknown",
    `not a checkpoint of nnU-Net v2: expected network_weights, found ${found.join(", ") || "no names"}`,
  );
}

function tensorsOf(weights: PickleValue | undefined): ReadonlyMap<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of weights as Map<PickleValue, PickleValue>)
    if (typeof name === "string" && value instanceof TorchTensor) tensors.set(name, value);
    else throw new RefusedError("checkpoint-unknown", `network_weights hold ${String(name).slice(0, 100)}, which is no tensor`);
  // Wrappers of the trained module put their name before every weight.
  for (const wrapper of ["_orig_mod.", "module."])
    if (tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith(wrapper)))
      return new Map([...tensors].map(([name, tensor]) => [name.slice(wrapper.length), tensor]));
  return tensors;
}
