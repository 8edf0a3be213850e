import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesOf, usableModels } from "../../appliance/inference/models.ts";
import { type Lock, productPackages } from "./licences.ts";

type Component = { readonly name: string; readonly version: string; readonly "bom-ref": string } & Readonly<Record<string, unknown>>;
type Dependency = { readonly ref: string; readonly dependsOn: readonly string[] };
type Bom = {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
};

/**
 * The bill of materials of a release, CycloneDX 1.5 in JSON, as `npm sbom` makes it of the lock file, with the product under its own name and
 * the models that come with it by the SHA-256 of each file. What is for development only is left out by the lock file's own marks: `--omit dev`
 * of npm 11 also leaves out what the product shares with a package for development.
 */
export async function billOfMaterials(root: string): Promise<Bom> {
  const text = execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  const bom = JSON.parse(text) as Bom;
  const product = new Set(
    productPackages(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock).map(
      ({ name, version }) => `${name}@${version}`,
    ),
  );
  const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name: string };
  const component = { ...bom.metadata.component, name, type: "application" }; // npm writes the folder's name
  const components = bom.components.filter((one) => product.has(`${one.name}@${one.version}`));
  const references = new Set([component["bom-ref"], ...components.map((one) => one["bom-ref"])]);
  return {
    ...bom,
    metadata: { ...bom.metadata, component },
    components: [...components, ...(await shippedModels(root))],
    dependencies: bom.dependencies
      .filter(({ ref }) => references.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => references.has(one)) })),
  };
}

async function shippedModels(root: string): Promise<Component[]> {
  const { models } = await usableModels([join(root, "models")]);
  return [...models.values()].map(({ manifest }) => ({
    type: "machine-learning-model",
    "bom-ref": `model/${manifest.name}@${manifest.version}`,
    name: manifest.name,
    version: manifest.version,
    description: manifest.title,
    licenses: [{ license: { name: manifest.licence } }],
    components: manifest.parts
      .flatMap(({ networks }) => networks.flatMap(filesOf))
      .map(({ file, sha256 }) => ({ type: "file", name: file, hashes: [{ alg: "SHA-256", content: sha256 }] })),
  }));
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await billOfMaterials(join(import.meta.dirname, "../..")), null, 2)}\n`);
