import { paths } from "../../appliance/api/paths.ts";
import { purgeWord, type StorageOutcome, type StorageState } from "../../appliance/api/storage.ts";
import { getJson, send } from "./client.ts";

export function readStorage(): Promise<StorageState> {
  return getJson(paths.storage);
}

export async function runRetention(): Promise<StorageOutcome> {
  return (await (await send("POST", paths.runRetention, {})).json()) as StorageOutcome;
}

/** Deletes all that may go; the person has typed the word. */
export async function purge(): Promise<StorageOutcome> {
  return (await (await send("POST", paths.purge, { confirmation: purgeWord })).json()) as StorageOutcome;
}

export async function settleSeries(id: number): Promise<void> {
  await send("POST", paths.settleSeries(id));
}

export async function eraseStudy(uid: string, force: boolean): Promise<void> {
  await send("POST", paths.eraseStudy(uid), { confirmation: uid, force });
}
