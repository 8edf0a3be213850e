import { RefusedError } from "../base/errors.ts";
import { parseUid, type Uid } from "../domain/ids.ts";
import { readDataSet, readItems } from "./data-set.ts";
import { dataSetEncodingOf } from "./transfer-syntaxes.ts";
import { textOf, unsignedOf } from "./values.ts";
import { encodeElements, sequence, text } from "./write.ts";

export type Reference = { readonly sopClassUid: Uid; readonly sopInstanceUid: Uid };

/** What a Storage Commitment SCP says of a transaction. `reason`: (0008,1197), PS3.3 C.14.1.1; null where it gave none. */
export type CommitmentReport = {
  readonly transactionUid: Uid;
  readonly committed: readonly Reference[];
  readonly failed: readonly (Reference & { readonly reason: number | null })[];
};

const transactionUidTag = 0x00081195;
const referencedSops = 0x00081199;
const failedSops = 0x00081198;

/** The Action Information of a commitment request, PS3.4 table J.3-1. */
export function encodeCommitmentRequest(transactionUid: Uid, references: readonly Reference[], transferSyntax: string): Uint8Array {
  const items = references.map(({ sopClassUid, sopInstanceUid }) => [
    text(0x00081150, "UI", sopClassUid),
    text(0x00081155, "UI", sopInstanceUid),
  ]);
  return encodeElements(
    [text(transactionUidTag, "UI", transactionUid), sequence(referencedSops, ...items)],
    dataSetEncodingOf(transferSyntax).explicitVr ? "explicit" : "implicit",
  );
}

/** The Event Information of a commitment report, PS3.4 table J.3-2. Refused where it names no transaction. */
export function readCommitmentReport(bytes: Uint8Array, transferSyntax: string): CommitmentReport {
  const dataSet = readDataSet(bytes, 0, dataSetEncodingOf(transferSyntax));
  const transactionUid = textOf(dataSet, transactionUidTag);
  if (transactionUid === null) throw new RefusedError("commitment-report-invalid", "expected a Transaction UID in the report, found none");
  const referenced = (tag: number) =>
    readItems(dataSet, tag).map((item) => ({
      sopClassUid: parseUid(textOf(item, 0x00081150) ?? ""),
      sopInstanceUid: parseUid(textOf(item, 0x00081155) ?? ""),
      reason: unsignedOf(item, 0x00081197),
    }));
  return {
    transactionUid: parseUid(transactionUid),
    committed: referenced(referencedSops).map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid })),
    failed: referenced(failedSops),
  };
}

/** Failure Reason in words, PS3.3 C.14.1.1. */
export function failureReasonText(reason: number | null): string {
  return failureReasons.get(reason ?? -1) ?? "no reason given";
}

const failureReasons: ReadonlyMap<number, string> = new Map([
  [0x0110, "processing failure"],
  [0x0112, "no such object instance"],
  [0x0119, "class and instance conflict"],
  [0x0122, "SOP class not supported"],
  [0x0131, "duplicate transaction UID"],
  [0x0213, "resource limitation"],
]);
