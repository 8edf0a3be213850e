import type { RefusedCaller } from "../../appliance/api/callers.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson, send } from "./client.ts";

export function listRefusedCallers(): Promise<RefusedCaller[]> {
  return getJson(paths.callers);
}

export async function addCaller(id: number): Promise<void> {
  await send("POST", paths.addCaller(id));
}
