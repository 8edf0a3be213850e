import type { Command } from "./command.ts";
import { modelFetch } from "./model-fetch.ts";
import { modelImport } from "./model-import.ts";
import { modelList } from "./model-list.ts";

/** `segbox model ...`, a file each. */
export const modelCommands: readonly Command[] = [modelImport, modelList, modelFetch];
