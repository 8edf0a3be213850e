import assert from "node:assert/strict";
import { run } from "./process.ts";

/** Debian's interpreter by its full name: pydicom, nibabel and numpy are Debian packages, and another python3 may come first in PATH. */
const interpreter = "/usr/bin/python3";

/**
 * Runs a Python script that reads one JSON value from standard input and writes one to standard output; fails with the script's traceback.
 * A script that prints NaN or Infinity writes no JSON, and fails here too.
 *
 * @param script path of a .py file; the modules beside it can be imported
 */
export async function python(
  script: string,
  input: unknown = null,
  { args = [], timeoutMs = 120_000 }: { readonly args?: readonly string[]; readonly timeoutMs?: number } = {},
): Promise<unknown> {
  // -B: no __pycache__ beside the script; -E and -s: neither the caller's environment nor a user's own packages count.
  const { code, signal, stdout, stderr } = await run(interpreter, ["-B", "-E", "-s", script, ...args], {
    input: JSON.stringify(input),
    timeoutMs,
  });
  if (code !== 0) assert.fail(`${script} ended with ${signal ?? code}\n${stderr}`);
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new Error(`${script} wrote no JSON: ${stdout.slice(0, 500)}\n${stderr}`, { cause });
  }
}
