import { readFileSync } from "node:fs";
import { join } from "node:path";

/** This release, as package.json says it. */
export function readSoftwareVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
