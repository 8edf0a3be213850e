import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { compileLostCache, loseCacheOf } from "../../chaos/lost-cache.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const objects = new URL("../../../appliance/store/objects.ts", import.meta.url).href;

test("a file in a new folder survives a power cut, also where the folder above it was new", async () => {
  await using folder = await temporaryFolder("folders");
  const data = join(folder.path, "data");
  await mkdir(data);
  const disk = loseCacheOf(data, join(folder.path, "mirror"), await compileLostCache(folder.path));
  const script = `
    const { makeEmptyFolder, writeDurably } = await import(${JSON.stringify(objects)});
    await makeEmptyFolder(${JSON.stringify(join(data, "results/1"))});
    await writeDurably(${JSON.stringify(join(data, "results/1/seg.dcm"))}, [Buffer.from("kept")]);
  `;
  const { code, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { env: disk.env });
  assert.equal(code, 0, stderr);
  disk.cutPower();
  assert.ok(existsSync(join(data, "results")), "its folder's folder has its name");
  assert.equal(readFileSync(join(data, "results/1/seg.dcm"), "utf8"), "kept");
});
