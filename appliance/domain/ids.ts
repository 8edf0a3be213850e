import { RefusedError } from "../base/errors.ts";

type Brand<T, Name extends string> = T & { readonly brand?: Name };

/** Row ids of our own database. They may stand in logs. */
export type SeriesId = Brand<number, "SeriesId">;
export type JobId = Brand<number, "JobId">;
export type ResultId = Brand<number, "ResultId">;
export type DeliveryId = Brand<number, "DeliveryId">;
export type PullId = Brand<number, "PullId">;
export type DocumentId = Brand<number, "DocumentId">;
/** A DICOM unique identifier, checked. PS3.5 section 9.1. */
export type Uid = Brand<string, "Uid">;
/** An application entity title, trimmed and checked. PS3.5 section 6.2, AE. */
export type AeTitle = Brand<string, "AeTitle">;

/** A UID as PS3.5 section 9.1 allows it, padding removed; scanners that lead a component with a zero are let through. Refused otherwise. */
export function parseUid(text: string): Uid {
  const uid = text.replace(/[\0 ]+$/, "");
  if (uid.length > 64 || !/^\d+(\.\d+)*$/.test(uid))
    throw new RefusedError(
      "uid-invalid",
      `expected a UID of digits and dots, at most 64 characters, found ${uid.length} characters that are not one`,
    );
  return uid;
}

/** An AE title: 1 to 16 printable ASCII characters without backslash, outer spaces removed. */
export function parseAeTitle(text: string): AeTitle {
  const title = text.replace(/^ +|[ \0]+$/g, "");
  if (!/^[\x20-\x5b\x5d-\x7e]{1,16}$/.test(title))
    throw new RefusedError(
      "ae-title-invalid",
      `expected an AE title of 1 to 16 printable ASCII characters, found ${JSON.stringify(text.slice(0, 32))}`,
    );
  return title;
}
