import type { DeliverySummary, Node, OpenDelivery } from "../api/deliveries.ts";
import { nodeServices, offers } from "../domain/remote-node.ts";
import type { Delivery, DeliveryState } from "../domain/result.ts";
import type { Database } from "../store/database.ts";
import { listDeliveriesIn, listWaitingFor } from "../store/deliveries.ts";
import { getResult } from "../store/results.ts";
import { getSeries } from "../store/series.ts";
import { listNodes, listPausedNodes } from "../store/settings.ts";

export function deliverySummary(delivery: Delivery, pausedNodes: readonly string[]): DeliverySummary {
  const { id, destination, output, choices, refusals, state, attempts, reason, status, comment, commitment, triedAt, deliveredAt } =
    delivery;
  return {
    id,
    destination,
    output,
    choices,
    refusals: refusals.map(({ output, reason, at }) => ({ output, reason, at })),
    state,
    paused: state === "waiting" && pausedNodes.includes(destination),
    attempts,
    reason,
    status,
    comment,
    commitment,
    triedAt,
    deliveredAt,
  };
}

/** Deliveries in these states with whose they are, the newest first. */
export function readOpenDeliveries(database: Database, states: readonly DeliveryState[], limit: number): OpenDelivery[] {
  const paused = listPausedNodes(database);
  return listDeliveriesIn(database, states, limit).flatMap((delivery) => {
    const result = getResult(database, delivery.resultId);
    const series = result && getSeries(database, result.seriesId);
    if (!series) return [];
    const { patientName, patientId, seriesDescription } = series.description;
    const whose = { resultId: result.id, seriesId: series.id, rule: result.rule.name, patientName, patientId, seriesDescription };
    return [{ ...deliverySummary(delivery, paused), ...whose }];
  });
}

export function readNodes(database: Database): Node[] {
  const paused = listPausedNodes(database);
  return listNodes(database).map((node) => ({
    name: node.name,
    aeTitle: node.aeTitle,
    host: node.host,
    port: node.port,
    paused: paused.includes(node.name),
    waiting: listWaitingFor(database, node.name).length,
    services: nodeServices.filter((service) => offers(node, service)),
    found: node.found ?? null,
  }));
}
