import type { PullId, Uid } from "./ids.ts";
import type { Reason } from "./series.ts";

/** A study, or one series of it, that somebody fetches from a node. */
export type Pull = {
  readonly id: PullId;
  /** Name of the node. */
  readonly node: string;
  readonly studyInstanceUid: Uid;
  /** Null: all of the study. */
  readonly seriesInstanceUid: Uid | null;
  /** waiting: asked for, or under way, or to be tried again. done: the node has sent all that it could. */
  readonly state: "waiting" | "done" | "failed";
  /** By which service it came; null before, and where it came by WADO-RS. */
  readonly service: "c-get" | "c-move" | null;
  /** Images that the node says it has sent, and could not send. */
  readonly completed: number;
  readonly failed: number;
  readonly reason: Reason | null;
  readonly askedBy: string;
  /** UTC epoch ms. */
  readonly askedAt: number;
  readonly endedAt: number | null;
};
