import { RefusedError } from "../base/errors.ts";
import type { DeliveryId, ResultId } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import type { Delivery, Result } from "../domain/result.ts";
import { type ResultOutput, sendsOf, toSender } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import { forgetCommitments } from "../store/commitments.ts";
import type { Database } from "../store/database.ts";
import {
  addDelivery,
  getDelivery,
  listInTurn,
  listWaitingFor,
  type NewDelivery,
  releaseDeliveries,
  reopenDelivery,
} from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { getResult } from "../store/results.ts";
import { getSeries } from "../store/series.ts";
import { findNode, listNodes, setNodePaused } from "../store/settings.ts";
import type { Failure } from "./child-requests.ts";
import { announceRejectionJob, deliverJob } from "./job-kinds.ts";

/**
 * Makes the deliveries of a result whose objects are written: each destination's choices, less what was not written. They wait, or are held
 * until a person accepts the result. A choice that could not be written is kept with its reason: the next one goes in its place; where there
 * is none the delivery is set aside. How many there are.
 */
export function planDeliveries(
  database: Database,
  result: Result,
  written: readonly ResultOutput[],
  now: number,
  failed: readonly Pick<Failure, "output" | "reason">[] = [],
): number {
  const planned = sendsOf(result.rule).flatMap(({ destination, choices }): Planned[] => {
    const possible = choices.filter((output) => written.includes(output));
    const refusals = failed.flatMap(({ output, reason }) =>
      output !== null && choices.includes(output) ? [{ output, reason: notWritten(reason), status: null, at: now }] : [],
    );
    const node = nameOf(database, result, destination);
    if (possible.length > 0) return [{ destination: node, choices: possible, refusals }];
    const [first] = refusals;
    return first ? [{ destination: node, choices: refusals.map(({ output }) => output), reason: first.reason }] : [];
  });
  // Nothing was found, and none of what a destination was to get can say so: it gets the report that does.
  if (result.structures?.length === 0 && written.includes("sr"))
    for (const destination of new Set(sendsOf(result.rule).map((send) => nameOf(database, result, send.destination))))
      if (!planned.some((delivery) => delivery.destination === destination)) planned.push({ destination, choices: ["sr"] });
  const state = result.rule.deliver === "after-acceptance" ? "held" : "waiting";
  for (const delivery of planned.toSorted((a, b) => lateness(a) - lateness(b))) {
    const id = addDelivery(database, { resultId: result.id, ...delivery, state: delivery.reason ? "failed" : state });
    if (state === "waiting" && !delivery.reason) addJob(database, deliverJob(id, now));
  }
  return planned.length;
}

type Planned = Pick<NewDelivery, "destination" | "choices" | "refusals" | "reason">;

/** A report goes last: it refers to the segmentation that the destination has by then. */
function lateness({ choices }: Planned): number {
  if (choices[0] === "sr") return 2;
  return choices.includes("sr") ? 1 : 0;
}

/** One code for all that this box could not write: a destination has no part in it. */
function notWritten({ message }: Reason): Reason {
  return { code: "output-failed", message };
}

/** Lets the held deliveries of a result go: somebody has accepted it. How many there were. */
export function releaseHeld(database: Database, resultId: ResultId, now: number): number {
  return database.transaction(() => {
    const released = releaseDeliveries(database, resultId);
    for (const id of released) addJob(database, deliverJob(id, now));
    return released.length;
  });
}

/** A person's "send again": a failed delivery, or a note that was not taken, goes out from its first choice on, a waiting one is tried now. Refused for the others. */
export function retryDelivery(database: Database, id: DeliveryId, now: number): void {
  database.transaction(() => {
    const delivery = getDelivery(database, id);
    if (!delivery) throw new RefusedError("not-found", `there is no delivery ${id}`);
    if (delivery.state === "held") throw new RefusedError("delivery-held", `delivery ${id} is held until the result is accepted`);
    if (delivery.state === "withdrawn" && delivery.output !== "rejection-note")
      throw new RefusedError("delivery-withdrawn", `delivery ${id} was called back: ${delivery.reason?.message}`);
    if (delivery.state === "delivered") throw new RefusedError("delivery-settled", `delivery ${id} is delivered already`);
    reopenDelivery(database, id);
    forgetCommitments(database, id);
    // A note that could not be written has to be written first; it goes out by itself then.
    const isToBeWritten = delivery.output === "rejection-note" && delivery.documentId === null;
    addJob(database, isToBeWritten ? announceRejectionJob(delivery.resultId, now) : deliverJob(id, now));
  });
}

/** Stops sending to a node, or goes on with all that waits for it. Refused where there is no such node. */
export function pauseNode(database: Database, name: string, paused: boolean, now: number): void {
  database.transaction(() => {
    if (!setNodePaused(database, name, paused)) {
      const known = listNodes(database).map((node) => node.name);
      throw new RefusedError("not-found", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
    }
    if (paused) return;
    for (const id of [...listWaitingFor(database, name), ...listWaitingFor(database, toSender)]) addJob(database, deliverJob(id, now));
  });
}

/** Whether nothing of the same series has to go to the same destination before it. */
export function isItsTurn(database: Database, { id, resultId, destination }: Delivery): boolean {
  const seriesId = getResult(database, resultId)?.seriesId;
  return seriesId === undefined || listInTurn(database, seriesId, destination).includes(id);
}

/** After a delivery is through, or set aside: whatever waited behind it goes out now. */
export function wakeNext(database: Database, { resultId, destination }: Delivery, now: number): void {
  const seriesId = getResult(database, resultId)?.seriesId;
  if (seriesId === undefined) return;
  for (const next of listInTurn(database, seriesId, destination)) addJob(database, deliverJob(next, now));
}

/** Sends a destination the report of an accepted result again, which says so, after the one that does not. */
export function sendReviewedReport(database: Database, resultId: ResultId, destination: string, now: number): void {
  const id = addDelivery(database, { resultId, destination, choices: ["reviewed-sr"], state: "waiting" });
  if (getDelivery(database, id)?.state === "waiting") addJob(database, deliverJob(id, now));
}

/** The node that a delivery goes to. Refused where it is not set up, or where several have the sender's AE title. */
export function nodeOf(database: Database, { resultId, destination }: Delivery): RemoteNode {
  const node = findNode(database, destination);
  if (node) return node;
  if (destination !== toSender)
    throw new RefusedError("destination-missing", `there is no node named ${destination} any more; add it, then send again`);
  const { title, nodes } = sendersOf(database, resultId);
  const [sender, ...others] = nodes;
  if (!sender)
    throw new RefusedError(
      "sender-unknown",
      `the series came from AE title ${title}, which no node here has; add that node, then send again`,
    );
  if (others.length > 0)
    throw new RefusedError(
      "sender-ambiguous",
      `the series came from AE title ${title}, which several nodes have (${nodes.map(({ name }) => name).join(", ")}): which one sent it can't be known`,
    );
  return sender;
}

/** The name under which a delivery to a destination of the rule is kept: `sender` becomes the sender's own, where it is known. */
function nameOf(database: Database, { id }: Result, destination: string): string {
  if (destination !== toSender) return destination;
  const [sender, ...others] = sendersOf(database, id).nodes;
  return sender && others.length === 0 ? sender.name : toSender;
}

/** The AE title that a result's series came from, and the nodes that have it. */
function sendersOf(database: Database, resultId: ResultId): { readonly title: string; readonly nodes: readonly RemoteNode[] } {
  const result = getResult(database, resultId);
  const title = (result && getSeries(database, result.seriesId)?.callingAeTitle) ?? "";
  return { title, nodes: listNodes(database).filter(({ aeTitle }) => aeTitle === title) };
}
