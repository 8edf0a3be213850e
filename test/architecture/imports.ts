import { existsSync, globSync, readFileSync } from "node:fs";
import { posix } from "node:path";

/** One import statement, type imports and re-exports included. `to` is a path from the root, or the outside package's name. */
export type Import = { readonly from: string; readonly to: string; readonly isOutside: boolean };

export type Sources = { readonly files: readonly string[]; readonly imports: readonly Import[] };

const specifiers = [
  // import a, { b } from "x"; export { a } from "x"; export * from "x"; with `type` anywhere
  /^\s*(?:import|export)\s[\w*{}\s,$]*?\bfrom\s*["']([^"']+)["']/gm,
  // import "x"
  /^\s*import\s*["']([^"']+)["']/gm,
  // await import("x"), and import("x").Type
  /\bimport\(\s*["']([^"']+)["']/g,
];

/** All TypeScript files below the folders, and what they import. Paths are relative to the root, with slashes. */
export function readSources(root: string, folders: readonly string[]): Sources {
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root, exclude: ["**/dist/**"] })).sort();
  const imports = files.flatMap((from) => {
    const text = withoutComments(readFileSync(posix.join(root, from), "utf8"));
    const names = specifiers.flatMap((pattern) => Array.from(text.matchAll(pattern), ([, name = ""]) => name));
    return [...new Set(names)].map((name) => toImport(from, name));
  });
  return { files, imports };
}

function toImport(from: string, name: string): Import {
  if (name.startsWith(".")) return { from, to: posix.join(posix.dirname(from), name), isOutside: false };
  if (name.startsWith("node:")) return { from, to: name, isOutside: true };
  const parts = name.split("/");
  return { from, to: parts.slice(0, name.startsWith("@") ? 2 : 1).join("/"), isOutside: true }; // lit/decorators.js -> lit
}

/** Takes out comments that begin a line: an import quoted in one is none. Elsewhere the two signs may be part of a string, as in a glob. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$/gm, "");
}

/** The first way round by which a file reaches itself, as its files in order; undefined when there is none. */
export function findCycle({ files, imports }: Sources): readonly string[] | undefined {
  const next = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { from, to, isOutside } of imports) if (!isOutside) next.get(from)?.push(to);
  const clear = new Set<string>();
  const walk = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (clear.has(file)) return undefined;
    for (const to of next.get(file) ?? []) {
      const cycle = walk(to, [...path, file]);
      if (cycle) return cycle;
    }
    clear.add(file);
    return undefined;
  };
  for (const file of files) {
    const cycle = walk(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Imports of files that are not there: TypeScript finds those too, but not in a string given to `import()`. */
export function missingFiles(root: string, { imports }: Sources): string[] {
  return imports.filter(({ to, isOutside }) => !isOutside && !existsSync(posix.join(root, to))).map(({ from, to }) => `${from} -> ${to}`);
}
