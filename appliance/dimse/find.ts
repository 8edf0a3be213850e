import { RefusedError, UnavailableError } from "../base/errors.ts";
import { encodeQuery, type QueryKeys, type QueryLevel, type QueryMatch, readMatch, usualKeys } from "../dicom/query.ts";
import type { AeTitle } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import { type Association, type AssociationOptions, openAssociation } from "./association.ts";
import { commandFields, withDataSet } from "./command-set.ts";
import { encodeData } from "./pdu.ts";
import { plainSyntaxes, studyRoot } from "./services.ts";
import { statuses, statusText } from "./status.ts";

export type Query = {
  readonly level: QueryLevel;
  /** Of the levels above, unique keys: a series is asked for with its study's UID. PS3.4 C.6.2.1 */
  readonly keys: QueryKeys;
};

export type FindOptions = AssociationOptions & {
  /** After so many matches the query is cancelled. Default 500. */
  readonly mostMatches?: number;
};

/** `isCut`: there may be more. */
export type Found = { readonly matches: readonly QueryMatch[]; readonly isCut: boolean };

/**
 * Asks a node what it has (C-FIND, Study Root), PS3.4 C.4.1. Throws what openAssociation throws, RefusedError
 * `presentation-context-refused` where the node does not answer queries, and for a failed query `query-refused`, or UnavailableError
 * `query-failed` where another try may help.
 */
export async function find(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  { level, keys }: Query,
  { mostMatches = 500, ...options }: FindOptions = {},
): Promise<Found> {
  const wanted = [{ abstractSyntax: studyRoot.find, transferSyntaxes: plainSyntaxes }];
  const association = await openAssociation(node, callingAeTitle, wanted, options);
  try {
    const found = await findOn(association, node, { level, keys }, mostMatches);
    await association.release();
    return found;
  } finally {
    association.abort(); // what was not released
  }
}

async function findOn(association: Association, node: RemoteNode, { level, keys }: Query, mostMatches: number): Promise<Found> {
  const context = association.contexts[0];
  if (!context) throw new RefusedError("presentation-context-refused", `${node.name} does not answer queries (C-FIND, Study Root)`);
  const { id: contextId, transferSyntax } = context;
  const asked: QueryKeys = { ...Object.fromEntries(usualKeys[level].map((name) => [name, ""])), ...keys };
  const identifier = encodeQuery(level, asked, { transferSyntax, characterSets: node.characterSet?.split("\\") });
  const matches: QueryMatch[] = [];
  let isCut = false;
  const messageId = association.nextMessageId();
  const command = {
    affectedSopClassUid: studyRoot.find,
    commandField: commandFields.cFindRequest,
    messageId,
    priority: 0,
    commandDataSetType: withDataSet,
  };
  const response = await association.exchange(contextId, command, {
    sendDataSet: (pdus) => association.send([pdus, encodeData(contextId, false, identifier, association.peerMaxPduLength)]),
    onPending({ dataSet }) {
      if (dataSet && matches.length < mostMatches) matches.push(readMatch(dataSet, transferSyntax));
      else if (!isCut) {
        isCut = true;
        association.cancel(contextId, messageId);
      }
    },
  });
  const { status = -1, errorComment } = response.command;
  if (status === statuses.success || (isCut && status === statuses.cancelled)) return { matches, isCut };
  const message = `${node.name} answered the query with ${statusText(status)}${errorComment ? `: ${errorComment}` : ""}`;
  // Of the identifier, or of the class: PS3.4 table C.4-1
  if ((status & 0xff00) === 0xa900 || status === statuses.sopClassNotSupported) throw new RefusedError("query-refused", message);
  throw new UnavailableError("query-failed", message);
}
