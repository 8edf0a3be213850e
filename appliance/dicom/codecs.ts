import type Codecs from "dcmjs-codecs";

/**
 * The codecs, their WebAssembly ready. Loaded at the first coded frame: with what they bring along they take some megabytes, which the process that
 * receives need not have.
 */
export async function loadCodecs(): Promise<Pick<typeof Codecs, "Context" | "NativeCodecs">> {
  const { default: codecs } = await import("dcmjs-codecs");
  if (!codecs.NativeCodecs.isInitialized()) await codecs.NativeCodecs.initializeAsync();
  return codecs;
}
