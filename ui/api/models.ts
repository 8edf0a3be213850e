import type { ModelCard, ModelLine } from "../../appliance/api/models.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson } from "./client.ts";

export function listModels(): Promise<ModelLine[]> {
  return getJson(paths.models);
}

export function readModelCard(name: string): Promise<ModelCard> {
  return getJson(paths.model(name));
}
