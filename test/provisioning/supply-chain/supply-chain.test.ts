import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isAllowed, type Lock, productLicences, productPackages } from "../../../provisioning/supply-chain/licences.ts";
import { billOfMaterials } from "../../../provisioning/supply-chain/sbom.ts";
import { judgeSignatures } from "../../../provisioning/supply-chain/signatures.ts";

const root = join(import.meta.dirname, "../../..");
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock & {
  packages: Record<string, { hasInstallScript?: boolean }>;
};
const nameOf = (place: string): string => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

test("every package of the product has a licence of the list", () => {
  const found = productLicences(lock, (place, file) => readFileSync(join(root, place, file)));
  assert.deepEqual(
    found.filter((one) => !one.isAllowed),
    [],
  );
  assert.ok(found.length > 80);
});

test("a licence that is not on the list, none at all, or a licence file that was changed is not allowed", () => {
  const packages = {
    "": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0", license: "GPL-3.0-only" },
    "node_modules/b": { version: "1.0.0" },
    "node_modules/a/node_modules/png-js": { version: "1.1.0" },
    "node_modules/c": { version: "1.0.0", license: "MIT" },
    "node_modules/only-for-tests": { version: "1.0.0", license: "GPL-3.0-only", dev: true },
  };
  const found = productLicences({ packages }, () => Buffer.from("another text"));
  assert.deepEqual(
    found.map(({ name, isAllowed }) => [name, isAllowed]),
    [
      ["a", false],
      ["b", false],
      ["c", true],
      ["png-js", false],
    ],
  );
});

test("an expression is met by what is allowed, or it is not", () => {
  for (const met of ["MIT", "(MIT OR GPL-3.0-only)", "MIT AND Zlib", "(GPL-2.0-only AND MIT) OR ISC", "((MIT))"])
    assert.ok(isAllowed(met), met);
  for (const not of [
    "",
    "GPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "(MIT OR ISC) AND AGPL-3.0-only",
    "MIT OR",
    "MIT ISC",
    "(MIT",
    "SEE LICENSE IN X",
  ])
    assert.ok(!isAllowed(not), not);
});

test("a package with an install script is on the written list, whether it may run or not, and npm holds to that", () => {
  const { allowScripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { allowScripts: Record<string, boolean> };
  // npm would build what has a binding.gyp, which it sees on the disk and not in the lock file: only over an earlier installation
  const builds = (place: string) => place !== "" && existsSync(join(root, place, "binding.gyp"));
  const scripted = Object.entries(lock.packages).flatMap(([place, { hasInstallScript }]) =>
    hasInstallScript || builds(place) ? [nameOf(place)] : [],
  );
  assert.deepEqual(Object.keys(allowScripts).sort(), [...new Set(scripted)].sort());
  assert.deepEqual(
    Object.keys(allowScripts).filter((name) => allowScripts[name]),
    ["node"],
  );
  assert.match(readFileSync(join(root, ".npmrc"), "utf8"), /^strict-allow-scripts=true$/m);
});

test("the bill of materials names every package that is installed for the product, none of the others, and the models", async (context) => {
  const npm = execFileSync("npm", ["--version"], { encoding: "utf8" }).trim();
  if (Number(npm.split(".")[0]) < 10) return context.skip(`npm ${npm} has no sbom; 10 is the first that has`);
  const bom = (await billOfMaterials(root)) as unknown as {
    bomFormat: string;
    specVersion: string;
    metadata: { component: { name: string; type: string } };
    components: {
      type: string;
      name: string;
      version: string;
      purl?: string;
      components?: { name: string; hashes: { content: string }[] }[];
    }[];
  };
  assert.deepEqual([bom.bomFormat, bom.specVersion, bom.metadata.component.name], ["CycloneDX", "1.5", "segbox"]);
  const named = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  for (const { name, version } of productPackages(lock)) assert.ok(named.has(`${name}@${version}`), name);
  for (const [name, version] of Object.entries(dependencies)) assert.ok(named.has(`${name}@${version}`), name);
  for (const [name, version] of Object.entries(devDependencies)) assert.ok(!named.has(`${name}@${version}`), name);
  const model = bom.components.find(({ type, name }) => type === "machine-learning-model" && name === "reference")!;
  const [network] = model.components!;
  const bytes = readFileSync(join(root, "models/reference", network!.name));
  assert.equal(network!.hashes[0]!.content, createHash("sha256").update(bytes).digest("hex"));
});

test("signatures: only packages that npm names are bad; what can't be checked is said", () => {
  const bad = { invalid: [{ name: "a", version: "1.0.0" }], missing: [{ name: "b", version: "2.0.0" }] };
  assert.deepEqual(judgeSignatures({ status: 1, stdout: JSON.stringify(bad), stderr: "" }), {
    outcome: "bad",
    packages: ["a@1.0.0", "b@2.0.0"],
  });
  assert.deepEqual(judgeSignatures({ status: 0, stdout: '{"invalid":[],"missing":[]}', stderr: "" }), { outcome: "verified" });
  // npm 11 where the keys can't be fetched, and where no registry in use signs
  const away = '{"error":{"code":"ENOTFOUND","summary":"request to the keys failed, reason: getaddrinfo ENOTFOUND","detail":""}}';
  assert.deepEqual(judgeSignatures({ status: 1, stdout: away, stderr: "" }), {
    outcome: "not-offered",
    why: "request to the keys failed, reason: getaddrinfo ENOTFOUND",
  });
  const none = "npm error found no dependencies to audit that were installed from a supported registry\n";
  assert.equal(judgeSignatures({ status: 1, stdout: "", stderr: none }).outcome, "not-offered");
});
