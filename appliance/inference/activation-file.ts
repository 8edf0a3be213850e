import { RefusedError } from "../base/errors.ts";
import type { Activation } from "../domain/activation.ts";
import { machineName, manifestDigest, readStoredActivation } from "./activation-record.ts";
import { engineName } from "./engine.ts";

/**
 * A model's activation where there is one that holds: for this manifest, this machine and this version of the library. Else null, with a note
 * for the result where there is one that does not hold.
 */
export async function readActivation(path: string, modelFolder: string): Promise<{ activation: Activation | null; note: string | null }> {
  const again = (why: string) => ({ activation: null, note: `${why}; run segbox model activate again` });
  let stored: Activation | null;
  try {
    stored = await readStoredActivation(path);
  } catch (error) {
    if (error instanceof RefusedError) return { activation: null, note: error.message };
    throw error;
  }
  if (!stored) return { activation: null, note: null };
  const { manifestSha256, machine, engine } = stored;
  if (manifestSha256 !== (await manifestDigest(modelFolder))) return again("the model was activated in another version");
  if (machine !== machineName()) return again(`the model was activated on another machine (${machine})`);
  if (engine !== engineName) return again(`the model was activated with ${engine}, which is ${engineName} now`);
  return { activation: stored, note: null };
}
