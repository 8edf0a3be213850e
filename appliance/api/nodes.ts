import * as z from "zod/mini";
import type { Reason } from "./reason.ts";

/** What a node does for us. */
export type NodeService = "echo" | "store" | "find" | "move" | "get" | "commitment";

/** POST /api/nodes/NAME/test: its answer to C-ECHO and the services that it takes, or which link of the chain is broken. */
export type NodeTestResult =
  | { readonly answered: true; readonly tookMs: number; readonly services: readonly NodeService[] }
  | { readonly answered: false; readonly reason: Reason };

const uid = z.string().check(z.regex(/^[0-9.]{1,64}$/));
const text = z.string().check(z.maxLength(64));

/** POST /api/nodes/NAME/find: values to match, with wildcards (`Roe*`) and date ranges (`20260101-20260131`). A series is asked for with its study. */
export const nodeQuery = z.discriminatedUnion("level", [
  z.strictObject({
    level: z.literal("study"),
    keys: z.strictObject({
      patientName: z.optional(text),
      patientId: z.optional(text),
      patientBirthDate: z.optional(text),
      studyDate: z.optional(text),
      accessionNumber: z.optional(text),
      modalitiesInStudy: z.optional(text),
      studyDescription: z.optional(text),
      studyInstanceUid: z.optional(uid),
    }),
  }),
  z.strictObject({
    level: z.literal("series"),
    keys: z.strictObject({ studyInstanceUid: uid, seriesInstanceUid: z.optional(uid), modality: z.optional(text) }),
  }),
]);
export type NodeQuery = z.infer<typeof nodeQuery>;

/** Its answer. `isCut`: there may be more. Attributes by their keyword in camel case, absent where the node did not return them. */
export type NodeMatches = { readonly matches: readonly Readonly<Record<string, string | undefined>>[]; readonly isCut: boolean };

/** POST /api/nodes/NAME/pull: fetch a study, or one series of it; 202 with the pull's id. */
export const pullRequest = z.strictObject({ studyInstanceUid: uid, seriesInstanceUid: z.optional(uid) });
export type PullRequest = z.infer<typeof pullRequest>;

/** A line of GET /api/pulls, the newest first. */
export type PullSummary = {
  readonly id: number;
  readonly node: string;
  readonly studyInstanceUid: string;
  /** Null: all of the study. */
  readonly seriesInstanceUid: string | null;
  readonly state: "waiting" | "done" | "failed";
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
