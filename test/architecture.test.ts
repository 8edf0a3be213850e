import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { findCycle, missingFiles, readSources, type Sources } from "./architecture/imports.ts";
import { faultsIn, trees } from "./architecture/rules.ts";
import { temporaryFolder } from "./peers/folder.ts";

describe("the project", () => {
  const root = join(import.meta.dirname, "..");
  const sources = readSources(root, trees);

  test("has rooms, and imports between them are seen", () => {
    assert.ok(sources.files.includes("appliance/base/errors.ts"));
    const rooms = new Set(sources.imports.map(({ to }) => dirname(to)));
    for (const room of ["appliance/base", "appliance/domain", "appliance/volume"])
      assert.ok(rooms.has(room), `nobody imports from ${room}`);
  });

  test("imports point to lower rows, and outside packages are imported by their owners only", () => {
    assert.deepEqual(faultsIn(sources), []);
  });

  test("no file reaches itself through its imports, type imports included", () => {
    assert.equal(findCycle(sources)?.join(" -> "), undefined);
  });

  test("every file that is imported is there", () => {
    assert.deepEqual(missingFiles(root, sources), []);
  });
});

describe("the rules, over a made-up tree", () => {
  /** Reads a tree of these files, written to a temporary folder for the time of the reading. */
  async function sourcesOf(files: Readonly<Record<string, string>>): Promise<Sources> {
    await using folder = await temporaryFolder("architecture");
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder.path, path)), { recursive: true });
      await writeFile(join(folder.path, path), text);
    }
    return readSources(folder.path, trees);
  }
  const faultsOf = async (files: Readonly<Record<string, string>>) => faultsIn(await sourcesOf(files));

  test("a tree that keeps the rules has no fault", async () => {
    const files = {
      "appliance/base/errors.ts": "export class RefusedError extends Error {}",
      "appliance/volume/grid.ts": 'import { RefusedError } from "../base/errors.ts";\nexport type Grid = RefusedError;',
      "appliance/dicom/seg.ts":
        'import codecs from "dcmjs-codecs";\nimport type { Grid } from "../volume/grid.ts";\nimport { hash } from "node:crypto";',
      "appliance/store/files.ts": 'import { open } from "node:fs/promises";\nimport Database from "better-sqlite3";',
      "models/import.ts": 'import type { Grid } from "../appliance/volume/grid.ts";',
      "appliance/cli/main.ts": 'import "../main.ts";\nimport "../../models/import.ts";',
      "appliance/main.ts": 'import { seg } from "./dicom/seg.ts";',
      "ui/pages/series/page.ts":
        'import { html } from "lit";\nimport type { Grid } from "../../../appliance/volume/grid.ts";\nimport "../../api/client.ts";',
      "ui/api/client.ts": "export {};",
    };
    const sources = await sourcesOf(files);
    assert.deepEqual(faultsIn(sources), []);
    assert.equal(findCycle(sources), undefined);
    assert.equal(sources.imports.length, 13);
  });

  test("an import to a higher row is a fault, in every way of writing one", async () => {
    for (const statement of [
      'import { run } from "../pipeline/run.ts";',
      'import type { Run } from "../pipeline/run.ts";',
      'import {\n  type Run,\n  run,\n} from "../pipeline/run.ts";',
      'import "../pipeline/run.ts";',
      'export * from "../pipeline/run.ts";',
      'export { run as go } from "../pipeline/run.ts";',
      'const { run } = await import("../pipeline/run.ts");',
      'type Run = import("../pipeline/run.ts").Run;',
    ]) {
      const faults = await faultsOf({ "appliance/jobs/runner.ts": statement, "appliance/pipeline/run.ts": "export const run = 1;" });
      assert.deepEqual(
        faults,
        ["appliance/jobs/runner.ts -> appliance/pipeline/run.ts: appliance/pipeline is not below appliance/jobs"],
        statement,
      );
    }
  });

  test("an import quoted in a comment, and a string that looks like a path, are none", async () => {
    const text =
      '// import { run } from "../pipeline/run.ts";\n/**\n * import { run } from "../pipeline/run.ts";\n */\nexport const path = "../pipeline/run.ts";';
    assert.deepEqual(await faultsOf({ "appliance/jobs/runner.ts": text }), []);
  });

  test("an import from the room beside is a fault", async () => {
    const faults = await faultsOf({ "appliance/domain/series.ts": 'import "../volume/grid.ts";', "appliance/volume/grid.ts": "" });
    assert.deepEqual(faults, ["appliance/domain/series.ts -> appliance/volume/grid.ts: appliance/volume is not below appliance/domain"]);
  });

  test("a package that is not the room's, and one that nobody owns, are faults", async () => {
    const faults = await faultsOf({
      "appliance/http/server.ts": 'import Koa from "koa";\nimport Database from "better-sqlite3";',
      "appliance/base/log.ts": 'import pad from "left-pad/index.js";',
    });
    assert.deepEqual(faults, [
      "appliance/base/log.ts -> left-pad: the package has no owner",
      "appliance/http/server.ts -> better-sqlite3: only appliance/store may import it",
    ]);
  });

  test("a room that takes values may not open files or sockets", async () => {
    const faults = await faultsOf({
      "appliance/dicom/part10.ts": 'import { readFile } from "node:fs/promises";\nimport { inflateRawSync } from "node:zlib";',
    });
    assert.deepEqual(faults, ["appliance/dicom/part10.ts -> node:fs/promises: appliance/dicom takes values and returns values"]);
  });

  test("the pages take the wire contract and volumes from the service, and only pages and the shell fetch", async () => {
    const faults = await faultsOf({
      "ui/elements/badge.ts":
        'import "../api/client.ts";\nimport "../../appliance/api/series.ts";\nimport "../../appliance/domain/series.ts";\nimport "node:path";',
      "ui/viewer/slice-view.ts": 'import "../api/client.ts";\nimport "../elements/badge.ts";\nimport "../pages/worklist.ts";',
      "appliance/http/pages.ts": 'import "../../ui/app.ts";',
    });
    assert.deepEqual(faults, [
      "appliance/http/pages.ts -> ui/app.ts: out of bounds",
      "ui/elements/badge.ts -> ui/api/client.ts: elements and the viewer do not fetch",
      "ui/elements/badge.ts -> appliance/domain/series.ts: out of bounds",
      "ui/elements/badge.ts -> node:path: a page runs in a browser",
      "ui/viewer/slice-view.ts -> ui/api/client.ts: elements and the viewer do not fetch",
      "ui/viewer/slice-view.ts -> ui/pages/worklist.ts: ui/pages is not below ui/viewer",
    ]);
  });

  test("a room that stands in no row is a fault", async () => {
    assert.deepEqual(await faultsOf({ "appliance/utils/misc.ts": "" }), ["appliance/utils stands in no row"]);
  });

  test("a cycle within a room is found, even one of types only", async () => {
    const sources = await sourcesOf({
      "appliance/dicom/a.ts": 'import type { B } from "./b.ts";\nexport type A = B;',
      "appliance/dicom/b.ts": 'import type { C } from "./c.ts";\nexport type B = C;',
      "appliance/dicom/c.ts": 'import type { B } from "./b.ts";\nexport type C = B;',
    });
    assert.deepEqual(findCycle(sources), ["appliance/dicom/b.ts", "appliance/dicom/c.ts", "appliance/dicom/b.ts"]);
    assert.deepEqual(faultsIn(sources), []);
  });
});
