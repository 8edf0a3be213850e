import { readFile } from "node:fs/promises";

/**
 * Whether this processor adds up products of bytes in 32 bits (x86: VNNI; ARM: dot product). One that does not is made to add pairs of them in 16 bits by
 * onnxruntime, where large ones saturate: an INT8 network then gives other results than where it was judged.
 */
export async function multipliesBytes(): Promise<boolean> {
  const text = await readFile("/proc/cpuinfo", "latin1").catch(() => ""); // not Linux: unknown, so no
  return multipliesBytesIn(text);
}

/** @param cpuinfo /proc/cpuinfo, whose lines `flags` (x86) or `Features` (ARM) list what the processor can do */
export function multipliesBytesIn(cpuinfo: string): boolean {
  return /^(flags|Features)\s*:.*\s(avx512_vnni|avx_vnni|asimddp)(\s|$)/m.test(cpuinfo);
}
