import type { DeliveryId, PullId, ResultId, SeriesId } from "../domain/ids.ts";
import type { NewJob } from "../store/jobs.ts";

/** The jobs of the pipeline, in the order a series lives them; steps.ts says who does each. `runAt` is UTC epoch ms. */
export function closeSeriesJob(seriesId: SeriesId, runAt: number): NewJob {
  return { kind: "close-series", key: `close-series:${seriesId}`, payload: { seriesId }, runAt };
}

/** Asks the node that a series comes from how many images it has of it. */
export function countAtSourceJob(seriesId: SeriesId, runAt: number): NewJob {
  return { kind: "count-at-source", key: `count-at-source:${seriesId}`, payload: { seriesId }, runAt };
}

export function selectJob(seriesId: SeriesId, runAt: number): NewJob {
  return { kind: "select", key: `select:${seriesId}`, payload: { seriesId }, runAt };
}

export function segmentJob(resultId: ResultId, runAt: number): NewJob {
  return { kind: "segment", key: `segment:${resultId}`, payload: { resultId }, runAt };
}

export function encodeJob(resultId: ResultId, runAt: number): NewJob {
  return { kind: "encode", key: `encode:${resultId}`, payload: { resultId }, runAt };
}

/** Tells the destinations of a result that its objects are to be used no more. */
export function announceRejectionJob(resultId: ResultId, runAt: number): NewJob {
  return { kind: "announce-rejection", key: `announce-rejection:${resultId}`, payload: { resultId }, runAt };
}

/** Asks a delivered object's destination to commit itself to keep it, and sees to the answer. */
export function requestCommitmentJob(deliveryId: DeliveryId, runAt: number): NewJob {
  return { kind: "request-commitment", key: `request-commitment:${deliveryId}`, payload: { deliveryId }, runAt };
}

/** Fetches a study or series that somebody has asked for. */
export function pullJob(pullId: PullId, runAt: number): NewJob {
  return { kind: "pull", key: `pull:${pullId}`, payload: { pullId }, runAt };
}

export function deliverJob(deliveryId: DeliveryId, runAt: number): NewJob {
  return { kind: "deliver", key: `deliver:${deliveryId}`, payload: { deliveryId }, runAt };
}
