import { RefusedError, UnavailableError } from "../base/errors.ts";

/** Status (0000,0900) of a response: PS3.4 table B.2-1 for C-STORE, PS3.7 annex C for all. */
export const statuses = {
  success: 0x0000,
  processingFailure: 0x0110,
  duplicateSopInstance: 0x0111,
  invalidArgumentValue: 0x0115,
  invalidObjectInstance: 0x0117,
  sopClassNotSupported: 0x0122,
  unrecognizedOperation: 0x0211,
  resourceLimitation: 0x0213,
  outOfResources: 0xa700,
  dataSetDoesNotMatchSopClass: 0xa900,
  cannotUnderstand: 0xc000,
  moveDestinationUnknown: 0xa801,
  cancelled: 0xfe00,
} as const;

export type Failure = { readonly status: number /** LO, at most 64 characters. */; readonly comment: string };

/** Refusals with a status of their own; any other RefusedError is "cannot understand". */
export const refusalStatuses: Readonly<Record<string, number>> = {
  "uid-invalid": statuses.invalidObjectInstance,
  "instance-mismatch": statuses.dataSetDoesNotMatchSopClass,
  "object-too-large": statuses.outOfResources, // no Cxxx fits: the data set is understood, there is no room for it
};

/** What the sender hears when storing failed: whether it should try again, and in 64 characters why. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RefusedError) return { status: refusalStatuses[error.code] ?? statuses.cannotUnderstand, comment: commentOf(error) };
  if (error instanceof UnavailableError) return { status: statuses.outOfResources, comment: commentOf(error) };
  return { status: statuses.processingFailure, comment: "internal error" };
}

const commentOf = (error: Error): string => error.message.replace(/[^\x20-\x5b\x5d-\x7e]/g, "?").slice(0, 64);

/** What the peer's status to a C-STORE means for the file: it is there, it never will be, or another try may help. */
export function meaningOf(status: number): "stored" | "refused" | "try-again" {
  if (status === statuses.success || isWarning(status)) return "stored";
  // Our instances are written once under a UID that nobody else has: what the peer holds is this one, from a try whose answer was lost
  if (status === statuses.duplicateSopInstance) return "stored";
  if ((status & 0xff00) === statuses.outOfResources || status === statuses.resourceLimitation) return "try-again";
  // "Processing failure" is what archives answer when their database is away
  if (status === statuses.processingFailure) return "try-again";
  return "refused";
}

/** Whether a status says that the peer does not take this class of object: another form of the same result may be welcome. PS3.4 table B.2-1. */
export function refusesClass(status: number): boolean {
  return status === statuses.sopClassNotSupported || (status & 0xff00) === statuses.dataSetDoesNotMatchSopClass;
}

/** Further responses follow, PS3.7 annex C.1.3: FF00H, and FF01H where an optional key was not supported. */
export function isPending(status: number | undefined): boolean {
  return status === 0xff00 || status === 0xff01;
}

/** PS3.7 annex C.4: the instance is stored, the peer has a remark. */
export function isWarning(status: number): boolean {
  return (status & 0xf000) === 0xb000 || status === 0x0001 || status === 0x0107 || status === 0x0116;
}

/** `A700`, as the standard writes it. */
export const statusText = (status: number): string => status.toString(16).toUpperCase().padStart(4, "0");
