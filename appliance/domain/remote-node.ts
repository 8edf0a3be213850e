import type { AeTitle } from "./ids.ts";

/** A DICOM node elsewhere: where results go, and who may send. */
export type RemoteNode = { readonly name: string; readonly aeTitle: AeTitle; readonly host: string; readonly port: number };
