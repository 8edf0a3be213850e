import { open, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Null where there is no file. */
export async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Writes a key, for this user alone (mode 0600): whole or not at all, and on disk before it is used. What is sealed or signed with a key that
 * a power cut takes away is lost.
 */
export async function writeKey(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
