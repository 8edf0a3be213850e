import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };

/**
 * The library that runs the networks, with its version: part of what a result is made of. Without loading it, which takes 20 MB and which only
 * the children do.
 */
export const engineName = `onnxruntime-node ${version}`;
