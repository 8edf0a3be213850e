import { type FileHandle, open, readdir, readFile } from "node:fs/promises";

// Files that may have been deleted meanwhile, or were never made: absence is an answer, every other failure is thrown.

/** Open for reading; null where there is no such file. */
export function openIfThere(path: string): Promise<FileHandle | null> {
  return orWhereAbsent(open(path, "r"), null);
}

/** Its bytes; null where there is no such file. */
export function readIfThere(path: string): Promise<Buffer | null> {
  return orWhereAbsent(readFile(path), null);
}

/** Names in a folder, sorted; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await orWhereAbsent(readdir(folder), [])).sort();
}

async function orWhereAbsent<Found, Absent>(found: Promise<Found>, absent: Absent): Promise<Found | Absent> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return absent;
    throw error;
  }
}
