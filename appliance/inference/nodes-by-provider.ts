import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { z } from "zod";
import type { Provider } from "../domain/activation.ts";

/** How onnxruntime calls its providers in a profile. */
const profileNames: Readonly<Record<Provider, string>> = {
  tensorrt: "TensorrtExecutionProvider",
  cuda: "CUDAExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cpu: "CPUExecutionProvider",
};

const eventSchema = z.object({
  cat: z.string(),
  args: z.looseObject({ provider: z.string(), op_name: z.string().default("") }).optional(),
});

/**
 * Which steps of a network are computed elsewhere than on the provider that was asked for, by a run under onnxruntime's profiler. Small steps
 * may be handed back to the processor; convolutions and matrix products, which take the time, must not.
 *
 * @returns what the provider computed itself, and heavy steps by the provider that computed them instead
 */
export async function nodesByProvider(
  modelPath: string,
  provider: Provider,
  inputName: string,
  patch: Float32Array,
  shapeZyx: readonly number[],
): Promise<{ readonly own: number; readonly heavyElsewhere: ReadonlyMap<string, number> }> {
  const folder = await mkdtemp(join(tmpdir(), "segbox-profile-"));
  try {
    const session = await InferenceSession.create(modelPath, {
      executionProviders: [provider],
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      logSeverityLevel: 3,
    });
    await session.run({ [inputName]: new Tensor("float32", patch, [1, 1, ...shapeZyx]) });
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    const events = z.array(eventSchema).parse(JSON.parse(await readFile(join(folder, file ?? "none"), "utf8")));
    let own = 0;
    const heavyElsewhere = new Map<string, number>();
    for (const { cat, args } of events) {
      if (cat !== "Node" || !args) continue;
      if (args.provider === profileNames[provider]) own++;
      else if (/Conv|MatMul|Gemm/.test(args.op_name)) heavyElsewhere.set(args.provider, (heavyElsewhere.get(args.provider) ?? 0) + 1);
    }
    return { own, heavyElsewhere };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
