import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** SPDX names of the licences under which a package may be part of the product: all ask for no more than their text and a name. */
const allowed = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Zlib"];

/** Packages whose package.json does not name a licence in SPDX's words: what their licence file says, as it was read by a person, and its SHA-256. */
const read: Readonly<Record<string, { readonly licence: string; readonly file: string; readonly sha256: string }>> = {
  "dejavu-fonts-ttf": {
    licence: "Bitstream Vera and Arev fonts (free to use, embed and sell as part of software)",
    file: "LICENSE",
    sha256: "7a083b136e64d064794c3419751e5c7dd10d2f64c108fe5ba161eae5e5958a93",
  },
  "png-js": { licence: "MIT", file: "LICENSE", sha256: "bdb26a2ec815931ed6a38f3416362566204ee85ecdef96702b636402da4c75c3" },
};

type Locked = { readonly version: string; readonly dev?: boolean; readonly license?: string };
export type Lock = { readonly packages: Readonly<Record<string, Locked>> };
export type Licence = { readonly name: string; readonly version: string; readonly licence: string; readonly isAllowed: boolean };

/** The packages of the lock file that are part of the product, those of other platforms included, with where each is installed. */
export function productPackages({ packages }: Lock): { readonly place: string; readonly name: string; readonly version: string }[] {
  return Object.entries(packages)
    .filter(([place, { dev }]) => place !== "" && !dev)
    .map(([place, { version }]) => ({ place, version, name: place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The licence of each of them.
 *
 * @param licenceFile content of a file of an installed package, by its place in the lock file; null where it is not there
 */
export function productLicences(lock: Lock, licenceFile: (place: string, file: string) => Buffer | null): Licence[] {
  return productPackages(lock).map(({ place, name, version }) => {
    const { license = "" } = lock.packages[place]!;
    const known = Object.hasOwn(read, name) ? read[name] : undefined;
    if (!known) return { name, version, licence: license || "none named", isAllowed: isAllowed(license) };
    const bytes = licenceFile(place, known.file);
    const isSame = bytes !== null && createHash("sha256").update(bytes).digest("hex") === known.sha256;
    const licence = isSame ? known.licence : `${known.file} is not the one that was read: read it, and note it in licences.ts`;
    return { name, version, licence, isAllowed: isSame };
  });
}

/** Whether an SPDX expression of names, AND, OR and brackets can be met by what is allowed. What is not understood is not. */
export function isAllowed(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const one = (): boolean => {
    const word = words[at++];
    if (word !== "(") return word !== undefined && allowed.includes(word);
    const inner = either();
    return words[at++] === ")" && inner;
  };
  const all = (): boolean => {
    let isMet = one();
    while (words[at] === "AND") {
      at++;
      isMet = one() && isMet;
    }
    return isMet;
  };
  const either = (): boolean => {
    let isMet = all();
    while (words[at] === "OR") {
      at++;
      isMet = all() || isMet;
    }
    return isMet;
  };
  return either() && at === words.length;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "../..");
  const found = productLicences(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock, (place, file) => {
    try {
      return readFileSync(join(root, place, file));
    } catch {
      return null; // not installed: it is then told as not read
    }
  });
  for (const { name, version, licence, isAllowed } of found)
    process.stdout.write(`${isAllowed ? " " : "!"} ${name} ${version}: ${licence}\n`);
  const bad = found.filter(({ isAllowed }) => !isAllowed);
  if (bad.length > 0) {
    process.stderr.write(`licences: ${bad.map(({ name }) => name).join(", ")}: not on the list of provisioning/supply-chain/licences.ts\n`);
    process.exitCode = 1;
  }
}
