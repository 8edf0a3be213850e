import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder, writeDurably } from "./objects.ts";

/** A file that is there while a service runs. */
export type RunMark = {
  /** Leaves the file when the service ends: the next start looks at the database. */
  readonly keep: () => void;
  /** After the database was closed. */
  readonly end: () => Promise<void>;
};

/** Whether the service that ran last was cut off: it has left its mark. */
export function wasCutOff(path: string): boolean {
  return existsSync(path);
}

/** Durable when it resolves, so that a power cut a moment later is known for one. */
export async function setRunMark(path: string, now: number): Promise<RunMark> {
  await writeDurably(path, [Buffer.from(`${new Date(now).toISOString()}\n`)]);
  let isKept = false;
  return {
    keep: () => {
      isKept = true;
    },
    async end() {
      if (isKept) return;
      await rm(path, { force: true });
      await syncFolder(dirname(path));
    },
  };
}
