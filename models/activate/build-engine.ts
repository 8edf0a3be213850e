import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { RefusedError } from "../../appliance/base/errors.ts";
import type { Activation } from "../../appliance/domain/activation.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import { writeDurably } from "../../appliance/store/objects.ts";
import { encodeOnnx } from "../onnx/write.ts";
import { engineGraph, trtexecArguments } from "../quantize/tensorrt-engine.ts";

/** Where NVIDIA's packages put it besides the path. */
const trtexecFolder = "/usr/src/tensorrt/bin";
/** Of a full-size network an engine is built in minutes; many ways to compute each layer are timed. */
const longestBuildMs = 60 * 60_000;

/**
 * Builds the engine of a graph of quantising steps for this box's card, by NVIDIA's own tools, and writes an ONNX file around it that onnxruntime's
 * TensorRT provider loads without options.
 *
 * RefusedError("engine-tool-missing") where trtexec or nvidia-smi is not installed, ("engine-fails") where no engine comes out.
 *
 * @param target the ONNX file; the engine is inside
 */
export async function buildEngine(
  onnxFile: string,
  target: string,
  { patch, classes, path = process.env.PATH }: { readonly patch: Zyx; readonly classes: number; readonly path?: string | undefined },
): Promise<void> {
  const run = (tool: string, args: readonly string[]) => runTool(tool, args, [path, trtexecFolder].filter(Boolean).join(":"));
  const capability = /^\s*(\d+)\.(\d+)/.exec(await run("nvidia-smi", ["--query-gpu=compute_cap", "--format=csv,noheader"]));
  if (!capability) throw new RefusedError("engine-fails", "nvidia-smi does not say what the graphics card is capable of");
  const engineFile = `${target}.engine`;
  try {
    await run("trtexec", trtexecArguments(onnxFile, engineFile, patch));
    const computeCapability = `${capability[1]}${capability[2]}`;
    await writeDurably(target, [...encodeOnnx(engineGraph(await readFile(engineFile), { patch, classes, computeCapability }))]);
  } finally {
    await rm(engineFile, { force: true });
  }
}

async function runTool(tool: string, args: readonly string[], path: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(tool, args, {
      env: { ...process.env, PATH: path },
      timeout: longestBuildMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") throw new RefusedError("engine-tool-missing", `${tool} is not installed`, { cause: error });
    const last = stderr.trim().split("\n").at(-1) || `it ended with ${code}`;
    throw new RefusedError("engine-fails", `${tool}: ${last}`, { cause: error });
  }
}

const enginesFolder = "engines";

/** Where a part's engine goes, from the folder of activations; to a new name each time, since the old one may be running. */
export function engineFileOf(model: string, partIndex: number, at: number): string {
  return join(enginesFolder, model, `${at}-${partIndex}.onnx`);
}

/** Takes away the engines of a model that its activation does not name. */
export async function removeOtherEngines(folder: string, { model, trials }: Pick<Activation, "model" | "trials">): Promise<void> {
  const named = new Set(trials.flatMap(({ built }) => (built ? [built.file] : [])));
  const there = await readdir(join(folder, enginesFolder, model)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return []; // none was ever built
    throw error;
  });
  for (const name of there) {
    const file = join(enginesFolder, model, name);
    if (!named.has(file)) await rm(join(folder, file), { force: true });
  }
}
