import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** Left out: what is installed or built, and test data, which is others' and byte for byte theirs. */
const leftOut = /^(?:node_modules|\.git|ui\/dist|test\/data)$|(?:^|\/)(?:__pycache__|\.segbox[^/]*)$|\.part$/;

/** Paths of the project's own files, relative to the root. */
function ownFiles(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (leftOut.test(path)) return [];
    return entry.isDirectory() ? ownFiles(path) : entry.isFile() ? [path] : [];
  });
}

/** `path:line: text` of each place where a pattern matches in the project's own text files. */
function placesOf(pattern: RegExp): string[] {
  return ownFiles().flatMap((path) => {
    const bytes = readFileSync(join(root, path));
    if (bytes.subarray(0, 8192).includes(0)) return []; // no text
    const lines = bytes.toString("utf8").split("\n");
    return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []));
  });
}

// Put together here, so that this file does not find itself.
const registries = [
  "registry npmjs org",
  "registry yarnpkg com",
  "npm pkg github com",
  "pypi org",
  "files pythonhosted org",
  "deb debian org",
];

test("no file names a package registry: the machine's own settings say where packages come from", () => {
  const hosts = registries.map((words) => words.replaceAll(" ", "\\.")).join("|");
  assert.deepEqual(placesOf(new RegExp(hosts)), []);
});

test("no file holds a path of somebody's machine", () => {
  assert.deepEqual(placesOf(/(?<![\w.})-])\/(?:work|home|root|Users)\/(?=[\w.])/), []);
});

type Lists = { readonly dependencies?: Record<string, string>; readonly devDependencies?: Record<string, string> };
type Locked = Lists & { readonly optionalDependencies?: Record<string, string>; readonly integrity?: string };
const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
const manifest = json("package.json") as Lists;
const lock = (json("package-lock.json") as { packages: Record<string, Locked> }).packages;

test("package.json pins exact versions", () => {
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  assert.deepEqual(ranges, []);
});

test("package-lock.json belongs to package.json, or `npm ci` refuses", () => {
  assert.deepEqual(lock[""]?.dependencies, manifest.dependencies);
  assert.deepEqual(lock[""]?.devDependencies, manifest.devDependencies);
});

test("package-lock.json holds every package another one asks for, those of other platforms too, with its digest", () => {
  const places = Object.keys(lock);
  const missing = Object.entries(lock).flatMap(([place, { dependencies, optionalDependencies }]) => {
    // Node looks beside the package, then in each folder above it.
    const above = place.split("/node_modules/").map((_, depth, all) => all.slice(0, depth + 1).join("/node_modules/"));
    const folders = ["", ...above.map((folder) => (folder === "" ? "" : `${folder}/`))];
    const asked = Object.keys({ ...dependencies, ...optionalDependencies });
    return asked.filter((name) => !folders.some((folder) => lock[`${folder}node_modules/${name}`])).map((name) => `${place}: ${name}`);
  });
  assert.deepEqual(missing, []);
  assert.deepEqual(
    places.filter((place) => place !== "" && !lock[place]?.integrity),
    [],
  );
});

// The scripts of test/reference/ made the arrays that lie beside them; tests read those and do not run the scripts.
test("every module that a test's Python script imports comes with a package that .ci/ready sees to", () => {
  const ready = readFileSync(join(root, ".ci/ready"), "utf8");
  const [, listed = ""] = ready.match(/^peers="([^"]*)"/m) ?? [];
  const packages = listed.split(" ");
  const thirdParty = ["pydicom", "nibabel", "numpy", "scipy", "skimage", "torch"];
  const missing = ownFiles("test")
    .filter((path) => path.endsWith(".py") && !path.startsWith("test/reference/"))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const modules = new Set(Array.from(text.matchAll(/^\s*(?:import|from)\s+(\w+)/gm), ([, name = ""]) => name));
      return thirdParty.filter((name) => modules.has(name) && !packages.includes(`python3-${name}`)).map((name) => `${path}: ${name}`);
    });
  assert.deepEqual(missing, []);
});
