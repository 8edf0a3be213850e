import { access, constants } from "node:fs/promises";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import type { Infer } from "../nnunet/infer.ts";

/** The library that runs the networks, with its version: part of what a result is made of. */
export const engineName = `onnxruntime-node ${env.versions.node ?? env.versions.common}`;

export type SessionOptions = {
  /** Threads that compute one operator. */
  readonly threads: number;
  readonly inputName: string;
  readonly outputName: string;
};

/** A network that is loaded and ready. */
export type Session = {
  readonly infer: Infer;
  /** What computes: "cpu". */
  readonly provider: string;
  readonly close: () => Promise<void>;
};

/**
 * Loads an ONNX network: one 5-D float32 input [1,1,d,h,w], one float32 output [1,c,d,h,w].
 *
 * Running it blocks the event loop for as long as a patch takes, so this belongs into a process that does nothing else. Calls of `infer` must
 * not overlap.
 */
export async function openSession(modelPath: string, { threads, inputName, outputName }: SessionOptions): Promise<Session> {
  await checkReadable(modelPath);
  const session = await load(modelPath, threads);
  checkNames("input", session.inputNames, inputName, modelPath);
  checkNames("output", session.outputNames, outputName, modelPath);

  const infer: Infer = async (patch, shapeZyx) => {
    const input = new Tensor("float32", patch, [1, 1, ...shapeZyx]);
    let outputs: InferenceSession.ReturnType;
    try {
      outputs = await session.run({ [inputName]: input }, [outputName]);
    } catch (error) {
      if (isOutOfMemory(error))
        throw new UnavailableError("memory-exhausted", `no memory for a patch of ${shapeZyx.join(" x ")}`, { cause: error });
      throw new RefusedError("model-fails", `the network fails on a patch of ${shapeZyx.join(" x ")}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    return logitsOf(outputs[outputName], outputName, shapeZyx);
  };
  return { infer, provider: "cpu", close: () => session.release() };
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

async function load(modelPath: string, threads: number): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(modelPath, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1, // a U-Net is one chain of operators
      executionMode: "sequential",
      // All patches have one size, so the arena hands each run the blocks of the one before: a quarter faster here, and the peak is the same as
      // without. It keeps its memory until the session is closed, which the end of the process does. Planning one block for a whole run (the
      // memory pattern) took a fifth more memory and no less time.
      enableCpuMemArena: true,
      enableMemPattern: false,
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

function logitsOf(output: Tensor | undefined, outputName: string, shapeZyx: readonly number[]): Float32Array {
  const dims = output?.dims ?? [];
  if (output?.type !== "float32" || dims.length !== 5 || dims[0] !== 1 || shapeZyx.some((length, axis) => dims[axis + 2] !== length))
    throw new RefusedError(
      "model-output-unexpected",
      `expected ${outputName} float32 [1, classes, ${shapeZyx.join(", ")}], found ${output?.type ?? "nothing"} [${dims.join(", ")}]`,
    );
  return output.data as Float32Array;
}

/** onnxruntime reports an allocation that failed as text only. */
const isOutOfMemory = (error: unknown): boolean => /bad_alloc|failed to allocate memory|out of memory/i.test(messageOf(error));
