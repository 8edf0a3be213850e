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
 * unless unknown callers are let in. A node that is known comes in as its TLS setting says, also where unknown callers do.
 */
export async function acceptAssociation(peer: PeerInfo, options: AcceptOptions): Promise<AssociationDecision> {
  const { aeTitles, acceptUnknownCallers, nodes, resolveHost } = options;
  if (!aeTitles.includes(peer.calledAeTitle)) return { accept: false, reason: "called-ae-not-recognized" };
  const named = nodes.filter(({ aeTitle }) => aeTitle === peer.callingAeTitle);
  const here: RemoteNode[] = [];
  for (const node of named) if (await callsFrom(node, peer.remoteAddress, resolveHost)) here.push(node);
  if (here.some((node) => tlsFault(node, peer) === null)) return accept;
  // PS3.8 has no reason for it
  if (here[0]) return { accept: false, reason: "no-reason", detail: tlsFault(here[0], peer) ?? "" };
  if (acceptUnknownCallers) return accept;
  if (named.length === 0) return { accept: false, reason: "calling-ae-not-recognized" };
  return { accept: false, reason: "calling-ae-not-recognized", detail: "address-not-known" };
}

/** What a node's TLS setting has against a connection. A node without one may speak TLS all the same. */
function tlsFault({ tls }: RemoteNode, peer: PeerInfo): "tls-required" | "certificate-required" | null {
  if (!tls) return null;
  if (!peer.tls) return "tls-required";
  return tls.callerCertificate === "required" && !peer.tls.isAuthorized ? "certificate-required" : null;
}

/** Whether a node calls from an address: from its host, or from what its `callsFrom` names. */
export async function callsFrom(
  node: Pick<RemoteNode, "host" | "callsFrom">,
  address: string,
  resolveHost: AcceptOptions["resolveHost"],
): Promise<boolean> {
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
