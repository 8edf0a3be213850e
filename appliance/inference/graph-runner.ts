import { InferenceSession, Tensor } from "onnxruntime-node";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";

export type GraphOutput = { readonly dims: readonly number[]; readonly data: Float32Array | Uint8Array | Int32Array };

/** Any ONNX graph with one float32 input on the CPU, with all its outputs: for calibration, comparison and tests. What segments is in session.ts. */
export type GraphRunner = {
  readonly run: (input: Float32Array, dims: readonly number[]) => Promise<ReadonlyMap<string, GraphOutput>>;
  readonly close: () => Promise<void>;
};

/**
 * Loads a graph from its file's bytes, or from a path where its tensors lie beside it. As with every session, a run blocks the event loop.
 */
export async function openGraph(graph: Uint8Array | string, { threads }: { readonly threads: number }): Promise<GraphRunner> {
  const options = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableMemPattern: false,
    logSeverityLevel: 3,
  } as const;
  let session: InferenceSession;
  try {
    session = typeof graph === "string" ? await InferenceSession.create(graph, options) : await InferenceSession.create(graph, options);
  } catch (error) {
    if (isOutOfMemory(error)) throw new UnavailableError("memory-exhausted", "no memory to load the graph", { cause: error });
    throw new RefusedError("model-unreadable", `the graph can't be loaded: ${messageOf(error)}`, { cause: error });
  }
  const [input] = session.inputNames;
  return {
    async run(values, dims) {
      const outputs = await session.run({ [input!]: new Tensor("float32", values, dims) });
      return new Map(Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: data as GraphOutput["data"] }]));
    },
    close: () => session.release(),
  };
}

const isOutOfMemory = (error: unknown): boolean => /bad_alloc|failed to allocate memory|out of memory/i.test(messageOf(error));
