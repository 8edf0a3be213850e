import { readFileSync } from "node:fs";
import type { Grid, Ijk, Lps } from "../../appliance/volume/grid.ts";

/** A reference file beside this one. */
export function readReference<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8"));
}

export function int16Of(base64: string): Int16Array {
  const bytes = Buffer.from(base64, "base64");
  return Int16Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16LE(2 * at));
}

export function uint8Of(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** The grid whose ijk-to-RAS matrix (row by row, mm) is given, as NIfTI states it. */
export function gridFromRas(dims: Ijk, [x, y, z]: readonly (readonly number[])[]): Grid {
  const step = (column: number): Lps => [-x![column]!, -y![column]!, z![column]!];
  return { dims, origin: [0, 0, 0], steps: [step(0), step(1), step(2)] };
}
