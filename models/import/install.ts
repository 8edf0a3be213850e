import { mkdir, open, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { RefusedError, UnavailableError } from "../../appliance/base/errors.ts";
import type { ModelManifest } from "../../appliance/domain/model.ts";
import { type LoadedModel, loadModel } from "../../appliance/inference/models.ts";
import { proveNetwork } from "./prove.ts";
import { settleImports, settleReplaced, workshopName } from "./settle.ts";

/** What stands in a model's folder before it is installed: everything but the manifest. */
export type Fill = (folder: string) => Promise<ModelManifest>;

/**
 * Installs a model as MODELS/NAME in one step: it is put together beside, loaded as the service will load it, each network run once, all of it
 * synchronised to the disk, and then renamed. Whatever ends this before leaves nothing in MODELS.
 *
 * @param fill writes the model's files into the folder it is given and says its manifest, which is written last; null where the folder has one
 * @param beforeInstall called when the model is found good, before anything of it counts; what it throws ends the import
 * @param replace whether a model of the same name may be there, which is then taken away
 */
export async function installModel(
  models: string,
  name: string,
  fill: Fill | ((folder: string) => Promise<null>),
  {
    replace = false,
    reserved = [],
    beforeInstall,
  }: {
    readonly replace?: boolean;
    readonly reserved?: readonly string[];
    readonly beforeInstall?: ((manifest: ModelManifest) => Promise<void>) | undefined;
  } = {},
): Promise<LoadedModel> {
  if (reserved.includes(name)) throw new RefusedError("model-exists", `${name} comes with the service: take another --name`);
  const target = join(models, name);
  const existing = await readdir(target).catch(() => undefined);
  if (existing && !replace)
    throw new RefusedError("model-exists", `there is a model ${name} already: remove it, take another --name, or --replace it`);
  await mkdir(models, { recursive: true, mode: 0o700 });
  const staging = join(await workshopOf(models), `${name}.${process.pid}`);
  try {
    await mkdir(staging, { mode: 0o700 });
    const manifest = await fill(staging);
    if (manifest) await writeFile(join(staging, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    const loaded = await loadModel(staging);
    if (loaded.manifest.name !== name)
      throw new RefusedError("model-name", `the manifest names the model ${loaded.manifest.name}, expected ${name}`);
    for (const part of loaded.parts) await proveNetwork(staging, part);
    await synchronise(staging);
    await beforeInstall?.(loaded.manifest);
    if (existing) await rename(target, `${staging}.replaced`);
    await rename(staging, target);
    await synchroniseFolder(models);
    return { ...loaded, folder: target };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC")
      throw new UnavailableError("disk-full", `no space left on the disk of ${models}`, { cause: error });
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
    if (existing) await settleReplaced(models, name, `${staging}.replaced`);
    await leaveWorkshop(models);
  }
}

/** Takes the workshop away where nobody else is in it. */
export async function leaveWorkshop(models: string): Promise<void> {
  await rmdir(join(models, workshopName)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  });
}

/** Where models are put together: a folder among the models, so that it is on their disk, which is none itself: what is in it looks like nothing. */
export async function workshopOf(models: string): Promise<string> {
  const workshop = join(models, workshopName);
  await mkdir(workshop, { recursive: true, mode: 0o700 });
  await settleImports(models);
  return workshop;
}

/** Every file and folder on the disk before the name is: after a power cut the model is whole or not there. */
async function synchronise(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await synchronise(path);
    else await synchroniseFolder(path);
  }
  await synchroniseFolder(folder);
}

async function synchroniseFolder(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

/** A model's name out of any words: small letters, digits, dots, dashes and underscores. */
export function modelNameFrom(words: string): string {
  const name = words
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
  if (name === "")
    throw new RefusedError("model-name", `no name for a model can be made of ${JSON.stringify(basename(words))}: give one with --name`);
  return name;
}
