import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Provider } from "../domain/activation.ts";
import type { Label, NetworkFile } from "../domain/model.ts";
import { headMatrix } from "../nnunet/head.ts";
import type { Plans } from "../nnunet/plans.ts";
import type { OpenNetwork } from "../nnunet/predict.ts";
import { checkNetworkFiles, drawnLabels, type LoadedPart } from "./models.ts";
import { openSession } from "./session.ts";

/** How a network is to be run. */
export type RunOptions = { readonly threads: number; readonly arena?: boolean; readonly provider?: Provider };

/** Opens one form of a part's network, with its head where it has one. Every byte of it is checked first. */
export async function openNetwork(folder: string, network: NetworkFile, plans: Plans, options: RunOptions): Promise<OpenNetwork> {
  await checkNetworkFiles(folder, network);
  const { features } = network;
  const output = features
    ? { channels: features.channels, layout: features.layout, type: features.type }
    : { channels: plans.classes, layout: "ncdhw" as const, type: "float32" as const };
  const session = await openSession(join(folder, network.file), {
    ...options,
    inputName: network.input,
    outputName: network.output,
    output,
  });
  const head = features ? await readHead(join(folder, features.head.file)) : null;
  return {
    infer: session.infer,
    output,
    head: features && head ? headMatrix(head, plans.classes, features.channels, features.scale, features.zeroPoint) : null,
    patchSize: network.patchSize ?? null,
    close: session.close,
  };
}

async function readHead(path: string): Promise<Float32Array> {
  const bytes = await readFile(path); // in memory of its own, at any offset
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The merged map's value of each class of a part, by label name; 0 for background and for what only helped in training. */
export function valuesOf(part: LoadedPart, labels: readonly Label[]): Uint8Array {
  const byName = new Map(labels.map(({ name, value }) => [name, value]));
  const values = new Uint8Array(part.plans.classes);
  for (const { value, name } of drawnLabels(part)) values[value] = byName.get(name) ?? 0;
  return values;
}

/** Each class of a part as its own number; 0 for background and for what only helped in training. What forms are compared by. */
export function ownValuesOf(part: LoadedPart): Uint8Array {
  const values = new Uint8Array(part.plans.classes);
  for (const { value } of drawnLabels(part)) values[value] = value;
  return values;
}
