import { sopClass } from "../dicom/sop-classes.ts";
import { implicitVrLittleEndian, transferSyntaxes } from "../dicom/transfer-syntaxes.ts";
import { contextResults, type NegotiatedContext, type ProposedContext } from "./associate-pdu.ts";

export const verificationSopClass = "1.2.840.10008.1.1";

/** What a scanner may send for segmentation, and what it sends along with that: stored and then ignored with a reason, so that its job does not fail. */
export const defaultStorageSopClasses: readonly string[] = [
  sopClass.ctImageStorage,
  sopClass.enhancedCtImageStorage,
  sopClass.legacyConvertedEnhancedCtImageStorage,
  sopClass.secondaryCaptureImageStorage, // dose reports and the like
];

/** All storage classes of the standard, PS3.4 annex B.5, have UIDs that begin so; query, worklist and the others' do not. */
const standardStorage = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.\d/;

/** Whether objects of a class are taken: those that we know, and what a setting adds to them. */
export function takesStorage(
  uid: string,
  of: { readonly storageSopClasses: readonly string[]; readonly otherStorageSopClasses: readonly string[] | "any" },
): boolean {
  if (of.storageSopClasses.includes(uid)) return true;
  return of.otherStorageSopClasses === "any" ? standardStorage.test(uid) : of.otherStorageSopClasses.includes(uid);
}

/**
 * Every transfer syntax that we can read. JPEG baseline and extended (.50, .51) are not among them: a sender that holds such images and
 * hears that we don't take them sends them decoded, which loses nothing more and can be segmented.
 */
export const defaultTransferSyntaxes: readonly string[] = transferSyntaxes.map(({ uid }) => uid);

const lossySyntaxes = new Set(transferSyntaxes.filter(({ lossy }) => lossy).map(({ uid }) => uid));

/**
 * The answer to each proposed context, PS3.8 section 9.3.3.2. Of several transfer syntaxes the first in the sender's order that we take:
 * it puts first what it has on disk, so nobody transcodes and we store what the scanner made. Syntaxes that may lose pixels stand back
 * while a lossless one is proposed in the same context, lest we ask a scanner to spoil its images.
 */
export function negotiate(
  proposed: readonly ProposedContext[],
  takesAbstractSyntax: (uid: string) => boolean,
  takesTransferSyntax: (uid: string) => boolean,
): NegotiatedContext[] {
  return proposed.map(({ id, abstractSyntax, transferSyntaxes: offered }) => {
    const taken = offered.filter(takesTransferSyntax);
    const transferSyntax = taken.find((uid) => !lossySyntaxes.has(uid)) ?? taken[0];
    const refused = { id, transferSyntax: offered[0] ?? implicitVrLittleEndian }; // the syntax of a refused context means nothing
    if (!takesAbstractSyntax(abstractSyntax)) return { ...refused, result: contextResults.abstractSyntaxNotSupported };
    if (!transferSyntax) return { ...refused, result: contextResults.transferSyntaxesNotSupported };
    return { id, transferSyntax, result: contextResults.acceptance };
  });
}
