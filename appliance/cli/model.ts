import type { Command } from "./command.ts";
import { modelActivate } from "./model-activate.ts";
import { modelBench } from "./model-bench.ts";
import { modelCard } from "./model-card.ts";
import { modelFetch } from "./model-fetch.ts";
import { modelImport } from "./model-import.ts";
import { modelList } from "./model-list.ts";
import { modelQuantize } from "./model-quantize.ts";

/** `segbox model ...`, a file each. */
export const modelCommands: readonly Command[] = [modelImport, modelList, modelCard, modelFetch, modelQuantize, modelActivate, modelBench];
