import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, RefusedError } from "../../appliance/base/errors.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import { mayHaveArena, type Trial } from "../../appliance/domain/activation.ts";
import type { NetworkFile } from "../../appliance/domain/model.ts";
import { serveChild } from "../../appliance/host/child-process.ts";
import { startThreads } from "../../appliance/inference/compute-threads.ts";
import { checkNetworkFiles, type LoadedModel, type LoadedPart, readModel } from "../../appliance/inference/models.ts";
import { openNetwork, ownValuesOf } from "../../appliance/inference/network.ts";
import { nodesByProvider } from "../../appliance/inference/nodes-by-provider.ts";
import { requireProvider } from "../../appliance/inference/session.ts";
import { predict } from "../../appliance/nnunet/predict.ts";
import { normalisedValues, preprocess } from "../../appliance/nnunet/preprocess.ts";
import { readPatch } from "../../appliance/nnunet/sliding-window.ts";
import { windowsOf } from "../../appliance/nnunet/windows.ts";
import { straighten } from "../../appliance/volume/restack.ts";
import type { CtVolume } from "../../appliance/volume/volume.ts";
import type { OnnxValue } from "../onnx/graph.ts";
import { encodeOnnx } from "../onnx/write.ts";
import { buildEngine } from "./build-engine.ts";
import type { TrialReply, TrialRequest } from "./trial-requests.ts";

type Settings = { readonly threads: number; readonly arena: boolean };
/** What is tried: a form, which lies in a folder, or what was built of it, which lies in another one. */
type Subject = { readonly model: LoadedModel; readonly loaded: LoadedPart; readonly network: NetworkFile; readonly folder: string };

/** Entry of the child process: settings first, on a patch of the CT, then the whole CT with the fastest of them. */
serveChild<TrialRequest, number, TrialReply>(async (request, onProgress) => {
  const model = await readModel(request.modelFolder);
  const loaded = model.parts.find(({ part }) => part.name === request.part);
  const network = loaded?.part.networks.find(({ file }) => file === request.file);
  if (!loaded || !network)
    throw new RefusedError("model-parts", `model ${model.manifest.name} has no ${request.file} in part ${request.part}`);
  const { volume } = await seriesToVolume(request.images.map((path) => ({ sopInstanceUid: path, load: () => readFile(path) })));
  const straight = straighten(volume);
  const ct = straight.volume;
  await using compute = startThreads(request.threads[0]!);
  try {
    if (request.provider !== "cpu") await requireProvider(request.provider, smallestNetwork());
    const built = network.engine === "tensorrt" ? await builtOf(request, loaded, network, onProgress) : undefined;
    const subject: Subject = built
      ? { model, loaded, network: { ...network, ...built, engine: "onnx" }, folder: request.engine.folder }
      : { model, loaded, network, folder: request.modelFolder };
    const { patch, tile } = await middlePatch(ct, subject, compute);
    if (request.provider !== "cpu") {
      const path = join(subject.folder, subject.network.file);
      const { own, heavyElsewhere } = await nodesByProvider(path, request.provider, network.input, patch, tile);
      if (own === 0 || heavyElsewhere.size > 0) {
        const where = [...heavyElsewhere].map(([name, count]) => `${count} heavy steps on ${name}`).join(", ");
        return { outcome: "falls-back", detail: `computed ${own} steps itself, ${where || "all others elsewhere"}` };
      }
    }
    const timed: (Settings & { ms: number })[] = [];
    for (const threads of request.threads)
      for (const arena of mayHaveArena(network) ? [true, false] : [false])
        timed.push({ threads, arena, ms: await timePatch(request, subject, { threads, arena }, patch, tile) });
    const { threads, arena } = fastestOf(timed);
    const { labelMap, ...measured } = await wholeCt(request, subject, { threads, arena }, ct, compute, onProgress);
    await writeFile(request.labelsFile, straight.toSlices(labelMap).labels);
    return { outcome: "ran", threads, arena, ...measured, ...(built && { built }) };
  } catch (error) {
    const message = messageOf(error);
    if (error instanceof RefusedError && error.code === "engine-tool-missing") return { outcome: "absent", detail: message };
    // onnxruntime says in text only that a provider's library or the graphics card is not there.
    const absent = /(Failed to load shared library|Failed to get a WebGPU adapter|backend not found|no CUDA-capable device).*/i.exec(
      message,
    );
    return { outcome: absent ? "absent" : "fails", detail: (absent?.[0] ?? message).replace(/\s+/g, " ").slice(0, 300) };
  }
});

/** The engine of a form that is none yet, wrapped, and what the manifest would say of it. It takes minutes, so there are signs of life. */
async function builtOf(
  { modelFolder, engine }: TrialRequest,
  { plans }: LoadedPart,
  network: NetworkFile,
  onProgress: (share: number) => void,
): Promise<NonNullable<Trial["built"]>> {
  await checkNetworkFiles(modelFolder, network);
  const target = join(engine.folder, engine.file);
  await mkdir(dirname(target), { recursive: true });
  const alive = setInterval(() => onProgress(0), 60_000);
  try {
    await buildEngine(join(modelFolder, network.file), target, { patch: plans.patchSize, classes: plans.classes });
  } finally {
    clearInterval(alive);
  }
  const bytes = await readFile(target);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { file: engine.file, sha256, sizeBytes: bytes.length, patchSize: plans.patchSize };
}

/** Hands its input on: whether a provider is there is asked before anything is prepared for it. */
function smallestNetwork(): Uint8Array {
  const value = (name: string): OnnxValue => ({ name, type: "float32", dims: [1] });
  const graph = {
    ...{ name: "hands-on", initializers: [], inputs: [value("in")], outputs: [value("out")] },
    nodes: [{ op: "Identity", inputs: ["in"], outputs: ["out"] }],
  };
  return Buffer.concat([...encodeOnnx({ opset: 17, graph })]);
}

/** The first settings (all threads, with arena) unless others are faster by more than such a measurement wavers. */
function fastestOf(timed: readonly (Settings & { readonly ms: number })[]): Settings {
  const fastest = timed.toSorted((a, b) => a.ms - b.ms)[0]!;
  return fastest.ms < 0.9 * timed[0]!.ms ? fastest : timed[0]!;
}

async function middlePatch(ct: CtVolume, { model, loaded, network }: Subject, compute: Parameters<typeof preprocess>[2]) {
  const { plans } = loaded;
  const prepared = await preprocess(ct, plans, compute);
  const { tile, starts, before } = windowsOf(prepared, network.patchSize ?? plans.patchSize, model.manifest.stepSize);
  const start = starts[Math.floor(starts.length / 2)]!;
  const patch = new Float32Array(tile[0] * tile[1] * tile[2]);
  readPatch(prepared, normalisedValues(plans.ct), [start[2] - before[2], start[1] - before[1], start[0] - before[0]], tile, patch);
  return { patch, tile };
}

/** The faster of two runs after one that warms up, ms. */
async function timePatch(
  { provider }: TrialRequest,
  { loaded, network, folder }: Subject,
  settings: Settings,
  patch: Float32Array,
  tile: readonly [number, number, number],
): Promise<number> {
  const opened = await openNetwork(folder, network, loaded.plans, { ...settings, provider });
  try {
    await opened.infer(patch, tile);
    const times: number[] = [];
    for (let run = 0; run < 2; run++) {
      const startedMs = performance.now();
      await opened.infer(patch, tile);
      times.push(performance.now() - startedMs);
    }
    return Math.min(...times);
  } finally {
    await opened.close();
  }
}

async function wholeCt(
  { provider }: TrialRequest,
  { model: { manifest }, loaded, network, folder }: Subject,
  settings: Settings,
  ct: CtVolume,
  compute: Parameters<typeof predict>[2]["compute"],
  onProgress: (share: number) => void,
) {
  const { plans } = loaded;
  const times: number[] = [];
  const open = async () => {
    const opened = await openNetwork(folder, network, plans, { ...settings, provider });
    const infer: typeof opened.infer = async (patch, tile) => {
      const startedMs = performance.now();
      const output = await opened.infer(patch, tile);
      times.push(performance.now() - startedMs);
      return output;
    };
    return { ...opened, infer };
  };
  const values = ownValuesOf(loaded);
  const { labelMap, patches } = await predict(ct, [{ plans, values, open }], {
    stepSize: manifest.stepSize,
    mirrorAxes: manifest.mirrorAxes,
    ...(compute && { compute }),
    onProgress: (done, total) => onProgress(done / total),
  });
  return {
    labelMap,
    patchMs: Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0),
    patches,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}
