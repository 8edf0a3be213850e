import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type CommitmentReport, failureReasonText } from "../dicom/commitment.ts";
import { newUid } from "../dicom/uids.ts";
import { requestCommitment } from "../dimse/commitment.ts";
import { statusText } from "../dimse/status.ts";
import type { TlsIdentity } from "../dimse/tls.ts";
import type { AeTitle, DeliveryId } from "../domain/ids.ts";
import { offers } from "../domain/remote-node.ts";
import type { Delivery, Receipt } from "../domain/result.ts";
import { Later, type Step } from "../jobs/runner.ts";
import { addCommitment, type Commitment, endCommitment, findCommitment, listCommitments, removeCommitment } from "../store/commitments.ts";
import type { Database } from "../store/database.ts";
import { getDelivery, sendDeliveredAgain, setCommitment } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { addReceipt, listReceiptsOf } from "../store/receipts.ts";
import { getResult } from "../store/results.ts";
import type { Changes } from "./changes.ts";
import { deliverJob, requestCommitmentJob } from "./job-kinds.ts";
import { nodeOf } from "./outbox.ts";

export type CommitOptions = {
  readonly database: Database;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
  readonly callingAeTitle: AeTitle;
  readonly tls: () => TlsIdentity | undefined;
  /** How long a destination may take to commit itself. */
  readonly commitmentMs: number;
};

/** So often a destination is asked for one object, whatever it says in between; then the delivery is set aside. */
const mostRequests = 3;
/** A report that comes at once comes on the association of the request, where the destination does it so. */
const sameAssociationMs = 3_000;
/** Between two looks at a request that waits for its report; a job may not be put off for longer than two hours. */
const longestLookMs = 3600_000;

/**
 * Asks the destination of a delivered object to commit itself to keep it. The report comes on the same association, or later to the SCP
 * ({@link noteCommitment}). Without one in time the destination is asked again, by a transaction of its own.
 */
export function requestCommitmentStep(options: CommitOptions): Step {
  const { database, clock, log } = options;
  return {
    maxAttempts: 5,
    retryDelay: { firstMs: 2_000, maxMs: 5 * 60_000 },
    async run({ deliveryId }: { deliveryId: DeliveryId }, { signal }) {
      const delivery = getDelivery(database, deliveryId);
      if (delivery?.commitment !== "asked") return () => {};
      if (isCalledBack(database, delivery)) return () => changed(options, delivery, () => setCommitment(database, deliveryId, null));
      const node = nodeOf(database, delivery);
      if (!offers(node, "commitment")) return () => changed(options, delivery, () => setCommitment(database, deliveryId, null));
      const requests = listCommitments(database, deliveryId);
      const waiting = requests.find(({ state }) => state === "waiting");
      const now = clock.now();
      if (waiting && now < waiting.dueAt) return new Later(Math.min(waiting.dueAt, now + longestLookMs));
      if (waiting) endCommitment(database, waiting.id, { state: "timed-out", failureReason: null, at: now });
      if (requests.length >= mostRequests)
        throw new RefusedError(
          "commitment-missing",
          `${node.name} took it, but did not commit itself to keep it in time, asked ${requests.length} times`,
        );
      const { sopClassUid, sopInstanceUid } = storedAs(database, deliveryId);
      const transactionUid = newUid();
      const dueAt = now + options.commitmentMs;
      // Kept before it goes out: the report may be faster than this job
      addCommitment(database, { transactionUid, deliveryId, sopClassUid, sopInstanceUid, requestedAt: now, dueAt });
      try {
        await requestCommitment(
          node,
          options.callingAeTitle,
          { transactionUid, references: [{ sopClassUid, sopInstanceUid }] },
          {
            signal,
            tls: options.tls(),
            reported: (report) => noteCommitment(report, options),
            untilReported: () =>
              reportedWithin(sameAssociationMs, () => findCommitment(database, transactionUid)?.state !== "waiting", options, signal),
          },
        );
      } catch (error) {
        if (findCommitment(database, transactionUid)?.state === "waiting") removeCommitment(database, transactionUid);
        throw error instanceof RefusedError && error.code === "association-rejected"
          ? new UnavailableError(error.code, error.message, { cause: error }) // an entry for us will be made
          : error;
      }
      log.info("commitment-requested", { deliveryId, destination: node.name });
      return new Later(Math.min(dueAt, clock.now() + longestLookMs));
    },
    gaveUp: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => {
      const delivery = getDelivery(database, deliveryId);
      if (delivery?.commitment === "asked") changed(options, delivery, () => setCommitment(database, deliveryId, "failed", reason));
    },
  };
}

/**
 * Notes what a destination says of a request to commit. What it did not commit itself to goes out again, or is set aside with the reason where
 * that can't help. Refused where nothing of that transaction was asked for.
 */
export function noteCommitment({ transactionUid, committed, failed }: CommitmentReport, options: CommitOptions): void {
  const { database, clock, log } = options;
  const request = findCommitment(database, transactionUid);
  if (!request) throw new RefusedError("commitment-unknown", "no such transaction was asked for here");
  const delivery = getDelivery(database, request.deliveryId)!;
  const { id: deliveryId } = delivery;
  const at = clock.now();
  const isCommitted = committed.some(({ sopInstanceUid }) => sopInstanceUid === request.sopInstanceUid);
  const failureReason = failed.find(({ sopInstanceUid }) => sopInstanceUid === request.sopInstanceUid)?.reason ?? null;
  database.transaction(() => {
    if (request.state === "committed") return; // said again
    endCommitment(database, request.id, { state: isCommitted ? "committed" : "refused", failureReason, at });
    if (delivery.commitment !== "asked") return; // an answer to an earlier request, after another has settled it
    changed(options, delivery, () => {
      if (isCommitted) {
        setCommitment(database, deliveryId, "committed");
        addReceipt(database, deliveryId, {
          ...storedAs(database, deliveryId),
          service: "storage-commitment",
          status: 0,
          comment: null,
          at,
        });
        log.info("delivery-committed", { deliveryId, resultId: delivery.resultId, destination: delivery.destination });
      } else if (isCalledBack(database, delivery)) setCommitment(database, deliveryId, null);
      else goOn(request, failureReason, delivery, at, options);
    });
  });
}

/**
 * Whether nobody wants its destination to keep it any more: the result was rejected or superseded. A destination that has followed the rejection
 * note says that it has no such object, and it must never get it again for that.
 */
function isCalledBack(database: Database, { resultId, output }: Delivery): boolean {
  const result = getResult(database, resultId);
  return output !== "rejection-note" && (result?.state === "superseded" || result?.review?.verdict === "rejected");
}

/** Failure Reasons after which the object is sent again: it was lost, or there was no room. PS3.3 C.14.1.1. */
const worthSending = new Set<number | null>([0x0110, 0x0112, 0x0213, null]);
const duplicateTransaction = 0x0131;

function goOn(request: Commitment, failureReason: number | null, delivery: Delivery, at: number, { database, log }: CommitOptions): void {
  const { id: deliveryId, destination } = delivery;
  const said = `${failureReasonText(failureReason)}${failureReason === null ? "" : ` (${statusText(failureReason)}H)`}`;
  const reason = { code: "commitment-refused", message: `${destination} took it, but did not commit itself to keep it: ${said}` };
  const mayGoOn = listCommitments(database, request.deliveryId).length < mostRequests;
  log.warn("commitment-refused", { deliveryId, destination, failureReason: failureReason ?? -1 });
  if (mayGoOn && worthSending.has(failureReason)) {
    sendDeliveredAgain(database, deliveryId, reason);
    addJob(database, deliverJob(deliveryId, at));
  } else if (mayGoOn && failureReason === duplicateTransaction) addJob(database, requestCommitmentJob(deliveryId, at));
  else setCommitment(database, deliveryId, "failed", reason);
}

/** What the destination has taken last of a delivery. */
function storedAs(database: Database, deliveryId: DeliveryId): Omit<Receipt, "destination"> {
  const receipt = listReceiptsOf(database, deliveryId).findLast(({ service }) => service === "c-store");
  if (!receipt) throw new Error(`delivery ${deliveryId} is delivered without a receipt`);
  const { destination: _, ...rest } = receipt;
  return rest;
}

function changed({ database, changes }: CommitOptions, { resultId }: Delivery, change: () => void): void {
  change();
  const result = getResult(database, resultId);
  if (result) changes.seriesChanged(result.seriesId);
}

async function reportedWithin(limitMs: number, isReported: () => boolean, { clock }: CommitOptions, signal: AbortSignal): Promise<void> {
  const startedAt = clock.monotonicMs();
  while (!isReported() && clock.monotonicMs() - startedAt < limitMs) await clock.sleep(50, signal);
}
