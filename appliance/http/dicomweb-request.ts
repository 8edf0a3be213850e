import { parseUid, type Uid } from "../domain/ids.ts";
import type { Viewer } from "../pipeline/web-archive.ts";
import type { Requester } from "./auth.ts";
import type { Context } from "./context.ts";

/** Which study, series and instance an address names. What is no UID is refused: nothing of an address becomes a path. */
export function withinOf({ params }: Context): { readonly study?: Uid; readonly series?: Uid; readonly instance?: Uid } {
  const uid = (name: string): Record<string, Uid> => (params[name] === undefined ? {} : { [name]: parseUid(String(params[name])) });
  return { ...uid("study"), ...uid("series"), ...uid("instance") };
}

/** What the client takes; the parameter `accept` counts before the header, for addresses in a page. PS3.18 8.3.3.1 */
export function acceptOf(context: Context): string {
  const { accept } = context.query;
  if (typeof accept !== "string" || accept === "") return context.get("Accept");
  return accept.replace(/(?<=\w) (?=\w)/g, "+"); // a plus sign of `dicom+json` that was not escaped
}

/** People see what is not released yet; nodes do not. */
export function viewerOf(requester: Requester): Viewer {
  return { seesUnreleased: requester.kind === "user" };
}

/** Root of DICOMweb as the client has addressed it, for addresses in answers; without the host where that is none. */
export function baseUrlOf(context: Context): string {
  const host = context.get("Host");
  return /^[\w.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/.test(host)
    ? `${context.protocol}://${host}/dicom-web`
    : "/dicom-web";
}
