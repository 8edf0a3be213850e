import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { type StoreOutcome, storeFiles } from "../dimse/scu.ts";
import { refusesClass, statuses } from "../dimse/status.ts";
import type { AeTitle, DeliveryId, ResultId } from "../domain/ids.ts";
import type { Delivery } from "../domain/result.ts";
import { type Commit, Later, type Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { fallBack, getDelivery, noteAnswer, noteDelivery, type Outcome } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { getResult } from "../store/results.ts";
import { listPausedNodes } from "../store/settings.ts";
import type { Changes } from "./changes.ts";
import { deliverJob } from "./job-kinds.ts";
import { isItsTurn, nodeOf, wakeNext } from "./outbox.ts";
import { outputForms } from "./outputs.ts";

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
/** Until a delivery that waits for another, or for its node, looks again by itself; what it waits for wakes it before that. */
const lookAgainMs = 15 * 60_000;
/**
 * So often in a row, which takes about a day, "processing failure" is taken for a database that is away. After that the object is what the
 * peer chokes on, and all that stands behind it must not wait for ever.
 */
const mostProcessingFailures = 300;

/**
 * Sends one object of a result to one destination by C-STORE, in its turn: the objects of a series reach a destination in the order they were
 * made. Success and warnings (PS3.4 table B.2-1, Bxxx) count as delivered. While the peer is away or out of resources it is tried again,
 * without limit. Where the peer does not take the class of object, the next choice goes in its place; what it refuses for good otherwise is
 * set aside with its answer. A crash between the peer's answer and our note sends the same UID and the same bytes once more, which a peer
 * takes as the same instance.
 */
export function deliverStep(options: DeliverOptions): Step {
  const { database, changes, clock, log } = options;
  const changed = ({ resultId }: Delivery): void => {
    const result = getResult(database, resultId);
    if (result) changes.seriesChanged(result.seriesId);
  };
  const note = (id: DeliveryId, outcome: Omit<Outcome, "at">): void => {
    noteDelivery(database, id, { ...outcome, at: clock.now() });
    const delivery = getDelivery(database, id)!;
    if (outcome.state !== "waiting") wakeNext(database, delivery, clock.now());
    changed(delivery);
  };

  function delivered(delivery: Delivery, destination: string, { status, comment }: StoreOutcome & { kind: "stored" }): Commit {
    const { id: deliveryId, resultId, output } = delivery;
    return () => {
      note(deliveryId, { state: "delivered", reason: null, status, comment: comment ?? null });
      log.info("result-delivered", { deliveryId, resultId, output, destination, status });
    };
  }

  function nextChoice(delivery: Delivery, destination: string, outcome: StoreOutcome & { kind: "refused" | "not-sent" }): Commit {
    const { id: deliveryId, resultId, output, choices, position } = delivery;
    const status = outcome.kind === "refused" ? outcome.status : null;
    const at = clock.now();
    return () => {
      fallBack(database, delivery, { output, reason: { code: "class-refused", message: outcome.message }, status, at });
      addJob(database, deliverJob(deliveryId, at));
      log.warn("delivery-falls-back", { deliveryId, resultId, destination, refused: output, next: choices[position + 1] ?? "" });
      changed(delivery);
    };
  }

  return {
    maxAttempts: 5,
    retryDelay: { firstMs: 2_000, maxMs: 5 * 60_000 },
    async run({ deliveryId }: { deliveryId: DeliveryId }, { signal }) {
      const delivery = getDelivery(database, deliveryId);
      if (delivery?.state !== "waiting") return () => {};
      if (!isItsTurn(database, delivery)) return new Later(clock.now() + lookAgainMs);
      const node = nodeOf(database, delivery);
      if (listPausedNodes(database).includes(node.name)) return new Later(clock.now() + lookAgainMs);
      const path = join(options.resultFolder(delivery.resultId), outputForms[delivery.output].file);
      const file = { path, ...readFileMeta(await readStart(path)) };
      const [outcome] = await storeFiles(node, options.callingAeTitle, [file], { signal }).catch(untilRepaired);
      if (!outcome) throw new UnavailableError("peer-unavailable", "the association ended before the object was answered");
      if (outcome.kind === "stored") return delivered(delivery, node.name, outcome);
      const { status = null, comment = null } = outcome.kind === "refused" ? outcome : {};
      const sameAnswers = status === null ? 0 : noteAnswer(database, deliveryId, { status, comment });
      const isClassRefused = refusesItsClass(outcome);
      if (isClassRefused && delivery.position + 1 < delivery.choices.length) return nextChoice(delivery, node.name, outcome);
      if (isClassRefused) throw new RefusedError("class-refused", outcome.message);
      const isHopeless = status === statuses.processingFailure && sameAnswers >= mostProcessingFailures;
      throw outcome.permanent || isHopeless
        ? new RefusedError("peer-refused", outcome.message)
        : new UnavailableError("peer-unavailable", outcome.message);
    },
    gaveUp: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => note(deliveryId, { state: "failed", reason, status: null }),
    willRetry: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => note(deliveryId, { state: "waiting", reason, status: null }),
  };
}

/** Whether the peer does not take this class of object, by its presentation contexts or by its answer. */
function refusesItsClass(outcome: StoreOutcome & { kind: "refused" | "not-sent" }): boolean {
  return outcome.kind === "refused" ? refusesClass(outcome.status) : outcome.code === "presentation-context-refused";
}

/** A peer that turns our association away lacks an entry for us, which somebody will make: the result waits for it. */
function untilRepaired(error: unknown): never {
  throw error instanceof RefusedError ? new UnavailableError(error.code, error.message, { cause: error }) : error;
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RefusedError("object-missing", `there is no ${basename(path)} of this result: it could not be written, or is lost`);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(metaBytes), 0, metaBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
