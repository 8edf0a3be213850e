import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { storeFiles } from "../dimse/scu.ts";
import type { AeTitle, DeliveryId, ResultId } from "../domain/ids.ts";
import type { Delivery } from "../domain/result.ts";
import type { Reason } from "../domain/series.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { getDelivery, getResult, noteDelivery } from "../store/results.ts";
import { findNode } from "../store/settings.ts";
import type { Changes } from "./changes.ts";
import { outputFile } from "./child-requests.ts";

export type DeliverOptions = {
  readonly database: Database;
  readonly resultFolder: (id: ResultId) => string;
  readonly callingAeTitle: AeTitle;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
};

/** Enough for preamble and file meta information. */
const metaBytes = 4096;

/**
 * Sends one object of a result to one destination by C-STORE. Success and warnings (PS3.4 table B.2-1, Bxxx) count as delivered. While the
 * peer is away or out of resources it is tried again, without limit; what the peer refuses for good is set aside with its answer. A crash
 * between the peer's answer and our note sends the same UID and the same bytes once more, which a peer takes as the same instance.
 */
export function deliverStep(options: DeliverOptions): Step {
  const { database, changes, clock, log } = options;
  const note = (id: DeliveryId, state: Delivery["state"], reason: Reason | null, status: number | null): void => {
    noteDelivery(database, id, { state, reason, status, at: clock.now() });
    const result = getResult(database, getDelivery(database, id)!.resultId);
    if (result) changes.seriesChanged(result.seriesId);
  };
  return {
    maxAttempts: 5,
    retryDelay: { firstMs: 2_000, maxMs: 5 * 60_000 },
    async run({ deliveryId }: { deliveryId: DeliveryId }, { signal }) {
      const delivery = getDelivery(database, deliveryId);
      if (delivery?.state !== "waiting") return () => {};
      const node = findNode(database, delivery.destination);
      if (!node)
        throw new RefusedError("destination-missing", `there is no node named ${delivery.destination} any more; add it, then send again`);
      const path = join(options.resultFolder(delivery.resultId), outputFile[delivery.output]);
      const file = { path, ...readFileMeta(await readStart(path)) };
      const [outcome] = await storeFiles(node, options.callingAeTitle, [file], { signal }).catch(untilRepaired);
      if (outcome?.kind === "stored") {
        return () => {
          note(deliveryId, "delivered", null, outcome.status);
          log.info("result-delivered", {
            deliveryId,
            resultId: delivery.resultId,
            output: delivery.output,
            destination: node.name,
            status: outcome.status,
          });
        };
      }
      const message = outcome?.message ?? "the association ended before the object was answered";
      throw outcome?.permanent ? new RefusedError("peer-refused", message) : new UnavailableError("peer-unavailable", message);
    },
    gaveUp: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => note(deliveryId, "failed", reason, null),
    willRetry: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => note(deliveryId, "waiting", reason, null),
  };
}

/** A peer that turns our association away lacks an entry for us, which somebody will make: the result waits for it. */
function untilRepaired(error: unknown): never {
  throw error instanceof RefusedError ? new UnavailableError(error.code, error.message, { cause: error }) : error;
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(metaBytes), 0, metaBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
