import type { DataSetForm, PictureType } from "../dicomweb/media-types.ts";
import type { RenderOptions } from "../dicomweb/render.ts";

/** What a child does for a request that reads more of an object than its head. What it makes goes into `outFile`, one piece behind the other. */
export type RetrieveRequest = { readonly outFile: string } & (
  | {
      /** Each object's attributes, with the address of what is too large for them: an array of the DICOM JSON model, or documents in XML, each a piece. */
      readonly kind: "metadata";
      readonly form: DataSetForm;
      readonly objects: readonly { readonly path: string; readonly url: string }[];
    }
  /** Objects written anew in Explicit VR Little Endian. */
  | { readonly kind: "transcode"; readonly paths: readonly string[] }
  /** Frames by their index from 0, compressed as they are stored or as plain numbers. */
  | { readonly kind: "frames"; readonly path: string; readonly frames: readonly number[]; readonly asStored: boolean }
  /** A frame, by its index or the one in the middle, as a picture file. */
  | {
      readonly kind: "render";
      readonly path: string;
      readonly frame: number | "middle";
      readonly type: PictureType;
      readonly options: RenderOptions;
    }
  /** A value, by where it stands. */
  | { readonly kind: "bulk-data"; readonly path: string; readonly element: string }
);

export type RetrieveReply = {
  /** Of each piece, bytes. */
  readonly sizes: readonly number[];
};
