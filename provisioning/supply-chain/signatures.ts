import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** verified: the registry signs, and every package's signature is good. not-offered: nothing could be checked here, and why. */
export type Judgement =
  | { readonly outcome: "verified" }
  | { readonly outcome: "not-offered"; readonly why: string }
  | { readonly outcome: "bad"; readonly packages: readonly string[] };

/**
 * What `npm audit signatures --json` came to. Only an answer that names packages with an invalid or missing signature is bad: a registry that does
 * not sign, a mirror, or no way to the keys says nothing about the packages, whose content the lock file's digests hold anyway.
 */
export function judgeSignatures({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): Judgement {
  const { invalid = [], missing = [], error } = parsed(stdout);
  const packages = [...invalid, ...missing].map(({ name, version }) => `${name}@${version}`);
  if (packages.length > 0) return { outcome: "bad", packages };
  if (status === 0) return { outcome: "verified" };
  const said = error?.summary || stderr.split("\n").find((line) => line.trim() !== "") || "npm gave no reason";
  return { outcome: "not-offered", why: said.trim() };
}

type Answer = {
  readonly invalid?: readonly { readonly name: string; readonly version: string }[];
  readonly missing?: readonly { readonly name: string; readonly version: string }[];
  readonly error?: { readonly summary?: string };
};

function parsed(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return {}; // npm ended before it had anything to say
  }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "../..");
  const judgement = judgeSignatures(spawnSync("npm", ["audit", "signatures", "--json"], { cwd: root, encoding: "utf8", timeout: 300_000 }));
  switch (judgement.outcome) {
    case "verified":
      process.stdout.write("signatures: the registry's signature of every package is good\n");
      break;
    case "not-offered":
      process.stdout.write(`signatures: NOT CHECKED, since this registry or the way to its keys does not offer it (${judgement.why})\n`);
      break;
    case "bad":
      process.stderr.write(`signatures: invalid or missing: ${judgement.packages.join(", ")}\n`);
      process.exitCode = 1;
  }
}
