import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where models are put together, inside of the folder of models. */
export const workshopName = ".importing";

/**
 * Clears up after imports that were killed: folders of processes that are no more are removed; a model that one of them had moved aside is put
 * back unless its successor is there.
 */
export async function settleImports(models: string): Promise<void> {
  const workshop = join(models, workshopName);
  const left = await readdir(workshop).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const entry of left) {
    const [, name, pid, replaced] = /^(.+?)\.(\d+)(\.replaced)?$/.exec(entry) ?? [];
    if (name === undefined || Number(pid) === process.pid || isRunning(Number(pid))) continue;
    if (replaced) await settleReplaced(models, name, join(workshop, entry));
    else await rm(join(workshop, entry), { recursive: true, force: true });
  }
}

/** The old model goes when the new one is in its place, and comes back when it is not. */
export async function settleReplaced(models: string, name: string, aside: string): Promise<void> {
  try {
    await rename(aside, join(models, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return; // nothing was moved aside
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    await rm(aside, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
