import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { type Found, find, type Query } from "../dimse/find.ts";
import { type NodeTest, testNode } from "../dimse/probe.ts";
import type { TlsIdentity } from "../dimse/tls.ts";
import type { AeTitle, PullId } from "../domain/ids.ts";
import type { Pull } from "../domain/pull.ts";
import { type NodeService, offers, type RemoteNode } from "../domain/remote-node.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { addPull } from "../store/pulls.ts";
import { findNode, listNodes, setNodeFound } from "../store/settings.ts";
import { pullJob } from "./job-kinds.ts";
import { isWebNode, testWebNode } from "./web-node.ts";

/** Who we are to a node. */
export type Caller = { readonly callingAeTitle: AeTitle; readonly tls: TlsIdentity | undefined };

/** Refused with the names that there are. */
export function knownNode(database: Database, name: string): RemoteNode {
  const node = findNode(database, name);
  if (node) return node;
  const known = listNodes(database).map((each) => each.name);
  throw new RefusedError("not-found", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
}

/** Asks a node for an answer, and keeps which services it was found to have. */
export async function testAndNote(database: Database, name: string, { callingAeTitle, tls }: Caller, clock: Clock): Promise<NodeTest> {
  const node = knownNode(database, name);
  if (isWebNode(node)) return { ...(await testWebNode(node, AbortSignal.timeout(30_000))), services: [] };
  const test = await testNode(node, callingAeTitle, { tls });
  setNodeFound(database, name, { at: clock.now(), services: test.services });
  return test;
}

export async function findAt(database: Database, name: string, query: Query, { callingAeTitle, tls }: Caller): Promise<Found> {
  return find(requireService(knownNode(database, name), "find"), callingAeTitle, query, { tls });
}

/** Has the service fetch a study or a series from a node. Refused where neither C-GET nor C-MOVE is used with it. */
export function addPullOf(
  database: Database,
  name: string,
  wanted: Pick<Pull, "studyInstanceUid" | "seriesInstanceUid">,
  askedBy: string,
  now: number,
): PullId {
  const node = knownNode(database, name);
  if (!isWebNode(node) && !offers(node, "get")) requireService(node, "move");
  return database.transaction(() => {
    const id = addPull(database, { node: name, ...wanted, askedBy, askedAt: now });
    addJob(database, pullJob(id, now));
    return id;
  });
}

function requireService(node: RemoteNode, service: NodeService): RemoteNode {
  if (offers(node, service)) return node;
  if (isWebNode(node)) throw new RefusedError("service-not-offered", `${node.name} speaks DICOMweb: it is not searched from here`);
  const remedy = node.services
    ? `\`services\` of its setting does not name ${service}`
    : "test it first, or name its `services` in the site file";
  throw new RefusedError("service-not-offered", `${node.name} is not used for ${service}: ${remedy}`);
}
