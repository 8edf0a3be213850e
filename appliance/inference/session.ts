import { access, constants } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import type { Provider } from "../domain/activation.ts";
import type { Infer, OutputForm, PatchOutput } from "../nnunet/infer.ts";

export type SessionOptions = {
  readonly provider?: Provider;
  /** Threads that compute one operator. */
  readonly threads: number;
  /** Whether memory is kept between patches; see README.md for what it brings. */
  readonly arena?: boolean;
  /** Whether threads that have nothing to do for a moment wait in a loop; if left out, unless the machine {@link isCrowded}. */
  readonly spins?: boolean;
  readonly inputName: string;
  readonly outputName: string;
  readonly output: OutputForm & { readonly type: "float32" | "uint8" };
};

/** A network that is loaded and ready. */
export type Session = {
  readonly infer: Infer;
  readonly provider: Provider;
  readonly close: () => Promise<void>;
};

/**
 * Loads an ONNX network: one 5-D float32 input [1,1,d,h,w], one output [1,c,d,h,w] or [1,d,h,w,c] (the leading 1 may be left out there).
 *
 * Running it blocks the thread for as long as a patch takes, so this belongs into a process that does nothing else. Calls of `infer` must
 * not overlap. An answer's memory is shared (SharedArrayBuffer) and written again by the call after next.
 */
export async function openSession(modelPath: string, options: SessionOptions): Promise<Session> {
  const { inputName, outputName, output, provider = "cpu" } = options;
  await checkReadable(modelPath);
  const session = await load(modelPath, options);
  checkNames("input", session.inputNames, inputName, modelPath);
  checkNames("output", session.outputNames, outputName, modelPath);
  const about = session.outputMetadata.find(({ name }) => name === outputName);
  const withBatch = !(about?.isTensor && about.shape.length === 4);

  const dimsOf = (shapeZyx: readonly number[]): number[] => {
    const dims = output.layout === "ncdhw" ? [output.channels, ...shapeZyx] : [...shapeZyx, output.channels];
    return withBatch ? [1, ...dims] : dims;
  };
  const run = async (input: Tensor, fetch: Tensor | null): Promise<Tensor | undefined> =>
    (await session.run({ [inputName]: input }, { [outputName]: fetch }))[outputName];

  let kept: PatchOutput[] = [];
  const infer: Infer = async (patch, shapeZyx) => {
    const input = new Tensor("float32", patch, [1, 1, ...shapeZyx]);
    const dims = dimsOf(shapeZyx);
    const size = dims.reduce((product, length) => product * length, 1);
    if (kept[0]?.length !== size) kept = [];
    const target = kept.length < 2 ? newOutput(output.type, size) : kept.shift()!;
    kept.push(target);
    try {
      await run(input, target instanceof Uint8Array ? new Tensor("uint8", target, dims) : new Tensor("float32", target, dims));
    } catch (error) {
      if (isOutOfMemory(error))
        throw new UnavailableError("memory-exhausted", `no memory for a patch of ${shapeZyx.join(" x ")}`, { cause: error });
      throw await reasonOf(error, shapeZyx, dims, () => run(input, null));
    }
    return target;
  };

  /** Why a run failed: because it gives another output than was prepared for, or at all. */
  async function reasonOf(error: unknown, shapeZyx: readonly number[], dims: readonly number[], again: () => Promise<Tensor | undefined>) {
    const found = await again().catch(() => null);
    if (!found)
      return new RefusedError("model-fails", `the network fails on a patch of ${shapeZyx.join(" x ")}: ${messageOf(error)}`, {
        cause: error,
      });
    return new RefusedError(
      "model-output-unexpected",
      `expected ${outputName} ${output.type} [${dims.join(", ")}], found ${found.type} [${found.dims.join(", ")}]`,
      { cause: error },
    );
  }
  return { infer, provider, close: () => session.release() };
}

function newOutput(type: "float32" | "uint8", size: number): PatchOutput {
  return type === "uint8" ? new Uint8Array(new SharedArrayBuffer(size)) : new Float32Array(new SharedArrayBuffer(4 * size));
}

async function checkReadable(modelPath: string): Promise<void> {
  try {
    await access(modelPath, constants.R_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw new RefusedError("model-missing", `no model file at ${modelPath}`, { cause: error });
    throw new UnavailableError("model-unreachable", `model file ${modelPath} can't be opened: ${code}`, { cause: error });
  }
}

/**
 * Throws what onnxruntime says where it has no such provider here: a library or a graphics card is missing.
 *
 * @param network a small one, whole
 */
export async function requireProvider(provider: Provider, network: Uint8Array): Promise<void> {
  const session = await InferenceSession.create(network, { executionProviders: [provider], logSeverityLevel: 3 });
  await session.release();
}

/**
 * Whether the machine has had twice as much to run as it has cores for the last minute, or more. Then a thread that waits in a loop takes its core
 * from somebody who would use it, and from the thread that it waits for. One job alone stays below.
 */
export function isCrowded(load = loadavg()[0]!, cores = availableParallelism()): boolean {
  return load >= 2 * cores;
}

async function load(
  modelPath: string,
  { provider = "cpu", threads, arena = true, spins = !isCrowded() }: SessionOptions,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(modelPath, {
      executionProviders: [provider],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1, // a U-Net is one chain of operators
      executionMode: "sequential",
      // All patches have one size, so the arena hands each run the blocks of the one before: a quarter faster here, and the peak is the same as
      // without. It keeps its memory until the session is closed, which the end of the process does. Planning one block for a whole run (the
      // memory pattern) took a fifth more memory and no less time.
      enableCpuMemArena: arena,
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: spins ? "1" : "0" } } },
      logSeverityLevel: 3,
    });
  } catch (error) {
    if (isOutOfMemory(error)) throw new UnavailableError("memory-exhausted", `no memory to load ${modelPath}`, { cause: error });
    throw new RefusedError("model-unreadable", `${modelPath} can't be loaded as an ONNX network: ${messageOf(error)}`, { cause: error });
  }
}

function checkNames(what: string, names: readonly string[], expected: string, modelPath: string): void {
  if (!names.includes(expected) || (what === "input" && names.length !== 1))
    throw new RefusedError("model-unreadable", `${modelPath}: expected ${what} ${expected}, found ${names.join(", ") || "none"}`);
}

/** onnxruntime reports an allocation that failed as text only. */
const isOutOfMemory = (error: unknown): boolean => /bad_alloc|failed to allocate memory|out of memory/i.test(messageOf(error));
