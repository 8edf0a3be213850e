import { RefusedError, UnavailableError } from "../base/errors.ts";
import { explicitVrLittleEndian, implicitVrLittleEndian } from "../dicom/transfer-syntaxes.ts";
import type { AeTitle } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import { type Association, type AssociationOptions, openAssociation } from "./association.ts";
import { commandFields, noDataSet } from "./command-set.ts";
import { verificationSopClass } from "./presentation-contexts.ts";
import { statuses, statusText } from "./status.ts";

/**
 * Asks a node whether it is there: association, C-ECHO, release. Resolves to the time from request to response, ms. Throws what
 * openAssociation throws, RefusedError `presentation-context-refused` when the node does not do Verification, and `echo-refused` when it
 * answers with a failure: so a person at the screen hears which link of the chain is broken.
 */
export async function echo(node: RemoteNode, callingAeTitle: AeTitle, options: AssociationOptions = {}): Promise<number> {
  const wanted = { abstractSyntax: verificationSopClass, transferSyntaxes: [implicitVrLittleEndian, explicitVrLittleEndian] };
  const association = await openAssociation(node, callingAeTitle, [wanted], options);
  try {
    const roundTripMs = await echoOn(association, node);
    await association.release();
    return roundTripMs;
  } finally {
    association.abort(); // what was not released; nothing is left to abort after a release
  }
}

/** One C-ECHO on an open association; ms from request to response. PS3.7 section 9.3.5. */
export async function echoOn(association: Association, node: RemoteNode): Promise<number> {
  const contextId =
    association.contextFor(verificationSopClass, implicitVrLittleEndian) ??
    association.contextFor(verificationSopClass, explicitVrLittleEndian);
  if (contextId === null) throw new RefusedError("presentation-context-refused", `${node.name} does not take Verification`);
  const startedAt = performance.now();
  const { status } = await association.request(contextId, {
    affectedSopClassUid: verificationSopClass,
    commandField: commandFields.cEchoRequest,
    messageId: association.nextMessageId(),
    commandDataSetType: noDataSet,
  });
  if (status === undefined) throw new UnavailableError("association-aborted", `${node.name} answered without a status`);
  if (status !== statuses.success) throw new RefusedError("echo-refused", `${node.name} answered C-ECHO with ${statusText(status)}`);
  return performance.now() - startedAt;
}
