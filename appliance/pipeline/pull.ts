import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { get, move, type SubOperations } from "../dimse/retrieve.ts";
import type { IncomingInstance, InstanceSink } from "../dimse/scp.ts";
import type { TlsIdentity } from "../dimse/tls.ts";
import type { AeTitle, PullId } from "../domain/ids.ts";
import type { Pull } from "../domain/pull.ts";
import { offers, type RemoteNode } from "../domain/remote-node.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { getPull, notePull } from "../store/pulls.ts";
import { findNode } from "../store/settings.ts";
import { isWebNode, pullByWeb } from "./web-node.ts";
import type { WebStore } from "./web-store.ts";

export type PullOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly callingAeTitle: AeTitle;
  readonly tls: () => TlsIdentity | undefined;
  /** Takes an image as the SCP does. */
  readonly openInstance: (incoming: IncomingInstance) => InstanceSink | Promise<InstanceSink>;
  /** The images of such an association are all here. */
  readonly associationEnded: (associationId: number) => void;
  readonly maxObjectBytes: number;
  /** Takes an image that comes over HTTP. */
  readonly webStore: WebStore;
};

/** Associations of ours on which images come count down, those of the SCP count up. */
let lastAssociationId = 0;

/**
 * Fetches a study or series: by C-GET where the node offers it, since that needs no entry for us at the node; else by C-MOVE to our own title. From a
 * DICOMweb node by WADO-RS.
 * Tried again some times while the node is away. What comes twice is known by its content, so repeating it does no harm.
 */
export function pullStep(options: PullOptions): Step {
  const { database, clock, log } = options;
  const note = (id: PullId, state: Pull["state"], reason: Pull["reason"]): void => {
    const { completed, failed } = getPull(database, id) ?? { completed: 0, failed: 0 };
    notePull(database, id, { state, service: null, completed, failed, reason, at: clock.now() });
  };
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 5,
    retryDelay: { firstMs: 2_000, maxMs: 60_000 },
    async run({ pullId }: { pullId: PullId }, { signal }) {
      const pull = getPull(database, pullId);
      if (pull?.state !== "waiting") return () => {};
      const node = findNode(database, pull.node);
      if (!node) throw new RefusedError("node-missing", `there is no node named ${pull.node} any more`);
      const service = isWebNode(node) ? null : offers(node, "get") ? "c-get" : "c-move";
      const { completed, failed, warning } = isWebNode(node)
        ? await pullByWeb(node, pull, options.webStore, signal)
        : await fetchBy(service ?? "c-get", node, pull, options, signal);
      const reason = failed > 0 ? { code: "images-not-sent", message: `${node.name} could not send ${failed} of its images` } : null;
      log.info("pull-done", { pullId, node: node.name, service, completed, failed, warning });
      return () => notePull(database, pullId, { state: "done", service, completed: completed + warning, failed, reason, at: clock.now() });
    },
    gaveUp: ({ pullId }: { pullId: PullId }, reason) => note(pullId, "failed", reason),
    willRetry: ({ pullId }: { pullId: PullId }, reason) => note(pullId, "waiting", reason),
  };
}

async function fetchBy(
  service: "c-get" | "c-move",
  node: RemoteNode,
  { studyInstanceUid, seriesInstanceUid }: Pull,
  { callingAeTitle, tls, openInstance, associationEnded, maxObjectBytes }: PullOptions,
  signal: AbortSignal,
): Promise<SubOperations> {
  const wanted = { studyInstanceUid, seriesInstanceUid: seriesInstanceUid ?? undefined };
  if (service === "c-move") return move(node, callingAeTitle, { wanted, to: callingAeTitle }, { signal, tls: tls() });
  const associationId = --lastAssociationId;
  try {
    return await get(node, callingAeTitle, wanted, { openInstance, associationId, maxObjectBytes, signal, tls: tls() });
  } finally {
    associationEnded(associationId);
  }
}
