import type { AssociationDecision, PeerInfo } from "../dimse/scp.ts";
import type { RemoteNode } from "../domain/remote-node.ts";

/** Who may come in: the called AE title must be ours, the calling one a node we know unless unknown callers are let in. */
export function acceptAssociation(
  { calledAeTitle, callingAeTitle }: PeerInfo,
  { aeTitle, acceptUnknownCallers }: { aeTitle: string; acceptUnknownCallers: boolean },
  nodes: readonly RemoteNode[],
): AssociationDecision {
  if (calledAeTitle !== aeTitle) return { accept: false, reason: "called-ae-not-recognized" };
  if (!acceptUnknownCallers && !nodes.some((node) => node.aeTitle === callingAeTitle))
    return { accept: false, reason: "calling-ae-not-recognized" };
  return { accept: true };
}
