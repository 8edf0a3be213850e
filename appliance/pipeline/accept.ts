import { BlockList, isIP } from "node:net";
import type { AssociationDecision, PeerInfo } from "../dimse/scp.ts";
import type { RemoteNode } from "../domain/remote-node.ts";

export type AcceptOptions = {
  /** Our own titles. */
  readonly aeTitles: readonly string[];
  readonly acceptUnknownCallers: boolean;
  readonly nodes: readonly RemoteNode[];
  /** The addresses of a host name, none where it has none just now. */
  readonly resolveHost: (host: string) => Promise<readonly string[]>;
};

const accept: AssociationDecision = { accept: true };

/**
 * Who may come in: the called AE title must be one of ours; the calling one, from the address that it comes from, a node that we know,
 * unless unknown callers are let in.
 */
export async function acceptAssociation(peer: PeerInfo, options: AcceptOptions): Promise<AssociationDecision> {
  const { aeTitles, acceptUnknownCallers, nodes, resolveHost } = options;
  if (!aeTitles.includes(peer.calledAeTitle)) return { accept: false, reason: "called-ae-not-recognized" };
  if (acceptUnknownCallers) return accept;
  const named = nodes.filter(({ aeTitle }) => aeTitle === peer.callingAeTitle);
  if (named.length === 0) return { accept: false, reason: "calling-ae-not-recognized" };
  for (const node of named) if (await callsFrom(node, peer.remoteAddress, resolveHost)) return accept;
  return { accept: false, reason: "calling-ae-not-recognized", detail: "address-not-known" };
}

async function callsFrom(node: RemoteNode, address: string, resolveHost: AcceptOptions["resolveHost"]): Promise<boolean> {
  if (node.callsFrom && node.callsFrom.length > 0) return isAmong(address, node.callsFrom);
  return isAmong(address, isIP(node.host) ? [node.host] : await resolveHost(node.host));
}

/** Whether an address is one of a list of addresses and networks. */
function isAmong(address: string, list: readonly string[]): boolean {
  const allowed = new BlockList();
  for (const entry of list) {
    const [network = "", bits] = entry.split("/");
    const family = isIP(network) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) allowed.addAddress(network, family);
    else allowed.addSubnet(network, Number(bits), family);
  }
  return allowed.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
