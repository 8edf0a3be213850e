import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../peers/process.ts";

/** A folder whose unsynchronised writes are lost when its process is killed; see lost-cache.c. */
export type LostCache = {
  /** For the process that writes below the folder. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on every fsync fails, or none does. */
  readonly failFsync: (fails: boolean) => void;
  /** Makes the folder what a power cut would have left. */
  readonly cutPower: () => void;
};

/** Compiles the shim; its path. */
export async function compileLostCache(folder: string): Promise<string> {
  const shim = join(folder, "lost-cache.so");
  const { code, stderr } = await run("cc", [
    "-O2",
    "-Wall",
    "-Werror",
    "-shared",
    "-fPIC",
    "-o",
    shim,
    join(import.meta.dirname, "lost-cache.c"),
  ]);
  assert.equal(code, 0, stderr);
  return shim;
}

/** What is in `root` now counts as durable. `mirror` is emptied. */
export function loseCacheOf(root: string, mirror: string, shim: string): LostCache {
  rmSync(mirror, { recursive: true, force: true });
  for (const folder of ["files", "folders"]) mkdirSync(join(mirror, folder), { recursive: true });
  keepAll(root, mirror);
  const rootKey = keyOf(root);
  const fail = join(mirror, "fail");
  return {
    env: { LD_PRELOAD: shim, LOST_CACHE_ROOT: root, LOST_CACHE_MIRROR: mirror },
    failFsync: (fails) => (fails ? writeFileSync(fail, "") : rmSync(fail)),
    cutPower() {
      rmSync(root, { recursive: true });
      restore(root, rootKey, mirror);
    },
  };
}

function keyOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}

function keepAll(folder: string, mirror: string): void {
  const lines = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    const key = keyOf(path);
    if (entry.isDirectory()) keepAll(path, mirror);
    else copyFileSync(path, join(mirror, "files", key));
    return `${entry.isDirectory() ? "d" : "f"} ${key} ${entry.name}\n`;
  });
  writeFileSync(join(mirror, "folders", keyOf(folder)), lines.join(""));
}

function restore(path: string, key: string, mirror: string): void {
  mkdirSync(path, { mode: 0o700 });
  const list = join(mirror, "folders", key);
  for (const line of existsSync(list) ? readFileSync(list, "utf8").split("\n") : []) {
    const [, kind, entryKey = "", name = ""] = /^(.) (\S+) (.+)$/.exec(line) ?? [];
    if (!kind) continue;
    const content = join(mirror, "files", entryKey);
    if (kind === "d") restore(join(path, name), entryKey, mirror);
    else if (existsSync(content)) copyFileSync(content, join(path, name));
    else writeFileSync(join(path, name), ""); // its name was kept, nothing of its content
  }
}
