import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { refusesItsClass, type StoreOutcome, storeFirstTaken } from "../dimse/scu.ts";
import { statuses } from "../dimse/status.ts";
import type { TlsIdentity } from "../dimse/tls.ts";
import type { AeTitle, DeliveryId } from "../domain/ids.ts";
import { offers, type RemoteNode } from "../domain/remote-node.ts";
import type { Delivery, SentInstance } from "../domain/result.ts";
import { type Commit, Later, type Step } from "../jobs/runner.ts";
import { addAudit } from "../store/audit.ts";
import { fallBack, getDelivery, noteAnswer, noteDelivery, type Outcome, setCommitment, setUnanswered } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { addReceipt } from "../store/receipts.ts";
import { getResult } from "../store/results.ts";
import { listPausedNodes } from "../store/settings.ts";
import type { Changes } from "./changes.ts";
import { digestOf, type Form, type FormOptions, formsOf } from "./delivery-forms.ts";
import { requestCommitmentJob } from "./job-kinds.ts";
import { isItsTurn, nodeOf, sendReviewedReport, wakeNext } from "./outbox.ts";
import { destinationsToTell } from "./reports.ts";
import { isWebNode, stowFirstTaken } from "./web-node.ts";

export type DeliverOptions = FormOptions & {
  readonly callingAeTitle: AeTitle;
  /** Who we are to nodes that speak TLS. */
  readonly tls: () => TlsIdentity | undefined;
  readonly changes: Changes;
  readonly log: Log;
};

type SentForm = Form & { readonly sha256: string };

/** What a receipt says of an object that did not go out as its file is. */
const sentOtherwise = { explicit: "sent without compression", implicit: "sent in Implicit VR Little Endian" } as const;
/** Code of a choice whose class its destination does not take. */
const classRefused = "class-refused";
/** Until a delivery that waits for another, or for its node, looks again by itself; what it waits for wakes it before that. */
const lookAgainMs = 15 * 60_000;
/**
 * So often in a row, which takes about a day, "processing failure" is taken for a database that is away. After that the object is what the
 * peer chokes on, and all that stands behind it must not wait for ever.
 */
const mostProcessingFailures = 300;

/**
 * Sends one object of a result to one destination by C-STORE or STOW-RS, in its turn: the objects of a series reach a destination in the order they were
 * made. Success and warnings (PS3.4 table B.2-1, Bxxx) count as delivered. While the peer is away or out of resources it is tried again,
 * without limit. All choices are proposed together, and the first goes whose class the peer takes; what it refuses for good otherwise is set
 * aside with its answer. A crash between the peer's answer and our note sends the same UID and the same bytes once more, which a peer
 * takes as the same instance; what went out without an answer stays noted, so that a rejection note names it too.
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

  /** Before the first byte leaves: without this in the trail nothing does. */
  function begin({ id, resultId }: Delivery, node: RemoteNode, form: Form): void {
    database.transaction(() => {
      setUnanswered(database, id, sentInstance(form));
      const detail = { result: resultId, output: form.output, node: node.name };
      addAudit(database, { at: clock.now(), actor: "system", action: "result-delivery-begun", object: `delivery:${id}`, detail });
    });
  }

  /** The peer has taken it: that is kept before anything else, with what exactly it was. */
  function delivered(delivery: Delivery, node: RemoteNode, form: SentForm, outcome: StoreOutcome & { kind: "stored" }): Commit {
    const { id: deliveryId, resultId, output, destination } = delivery;
    const { sopClassUid, sopInstanceUid, seriesInstanceUid, sha256 } = form;
    const { status } = outcome;
    const comment = outcome.comment ?? null;
    const how = outcome.rewritten ? [comment, sentOtherwise[outcome.rewritten]].filter(Boolean).join("; ") : comment;
    return () => {
      const at = clock.now();
      note(deliveryId, { state: "delivered", reason: null, status, comment });
      setUnanswered(database, deliveryId, null);
      const exported = { result: resultId, output, node: node.name };
      addAudit(database, { at, actor: "system", action: "result-delivered", object: `delivery:${deliveryId}`, detail: exported });
      const what = { output, sopClassUid, seriesInstanceUid, sopInstanceUid, sha256 };
      addReceipt(database, deliveryId, {
        service: isWebNode(node) ? "stow-rs" : "c-store",
        ...what,
        aeTitle: node.aeTitle,
        status,
        comment: how,
        at,
      });
      if (offers(node, "commitment") && !isWebNode(node)) {
        setCommitment(database, deliveryId, "asked");
        addJob(database, requestCommitmentJob(deliveryId, at));
      }
      log.info("result-delivered", { deliveryId, resultId, output, destination: node.name, status });
      // Accepted while its report was on its way, which does not say so.
      const isAccepted = getResult(database, resultId)?.review?.verdict === "accepted";
      if (isAccepted && output === "sr" && destinationsToTell(database, resultId).includes(destination))
        sendReviewedReport(database, resultId, destination, at);
    };
  }

  /** Moves a delivery past the choices whose class its destination does not take. */
  function passOver(delivery: Delivery, node: RemoteNode, refused: readonly StoreOutcome[]): Delivery {
    if (refused.length === 0) return delivery;
    database.transaction(() => {
      for (const outcome of refused) {
        const now = getDelivery(database, delivery.id)!;
        const status = outcome.kind === "refused" ? outcome.status : null;
        const message = outcome.kind === "stored" ? "" : outcome.message;
        fallBack(database, now, { output: now.output, reason: { code: classRefused, message }, status, at: clock.now() });
        const { id: deliveryId, resultId, output, choices, position } = now;
        const next = choices[position + 1] ?? "";
        log.warn("delivery-falls-back", { deliveryId, resultId, destination: node.name, refused: output, next });
      }
    });
    changed(delivery);
    return getDelivery(database, delivery.id)!;
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
      const forms = await formsOf(delivery, options, signal);
      const onSending = (form: Form): void => begin(delivery, node, form);
      const outcomes = isWebNode(node)
        ? await stowFirstTaken(node, forms, { signal, onSending })
        : await storeFirstTaken(node, options.callingAeTitle, forms, { signal, tls: options.tls(), onSending }).catch(untilRepaired);
      const outcome = outcomes.at(-1);
      if (!outcome) throw new UnavailableError("peer-unavailable", "the association ended before the object was answered");
      const current = passOver(delivery, node, outcomes.slice(0, -1));
      if (outcome.kind === "stored") {
        const form = forms[outcomes.length - 1]!;
        return delivered(current, node, { ...form, sha256: await digestOf(form) }, outcome);
      }
      if (outcome.kind === "refused" || refusesItsClass(outcome)) setUnanswered(database, deliveryId, null);
      const { status = null, comment = null } = outcome.kind === "refused" ? outcome : {};
      const sameAnswers = status === null ? 0 : noteAnswer(database, deliveryId, { status, comment });
      if (refusesItsClass(outcome)) throw new RefusedError(classRefused, outcome.message);
      const isHopeless = status === statuses.processingFailure && sameAnswers >= mostProcessingFailures;
      throw outcome.permanent || isHopeless
        ? new RefusedError("peer-refused", outcome.message)
        : new UnavailableError("peer-unavailable", outcome.message);
    },
    gaveUp: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => {
      // Not every archive takes rejection notes, and one that does not has nothing to repair.
      const isUnwantedNote = reason.code === classRefused && getDelivery(database, deliveryId)?.output === "rejection-note";
      note(deliveryId, { state: isUnwantedNote ? "withdrawn" : "failed", reason, status: null });
      const object = `delivery:${deliveryId}`;
      addAudit(database, { at: clock.now(), actor: "system", action: "result-delivery-failed", object, detail: { code: reason.code } });
    },
    willRetry: ({ deliveryId }: { deliveryId: DeliveryId }, reason) => note(deliveryId, { state: "waiting", reason, status: null }),
  };
}

function sentInstance({ sopClassUid, seriesInstanceUid, sopInstanceUid }: Form): SentInstance {
  return { sopClassUid, seriesInstanceUid, sopInstanceUid };
}

/** A peer that turns our association away lacks an entry for us, which somebody will make: the result waits for it. */
function untilRepaired(error: unknown): never {
  throw error instanceof RefusedError ? new UnavailableError(error.code, error.message, { cause: error }) : error;
}
