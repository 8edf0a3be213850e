import type { AssociateReject } from "./pdu.ts";

/** A-ASSOCIATE-RJ as words, PS3.8 table 9-21: result 1 is permanent, 2 transient; source 1 the service user, 2 ACSE, 3 presentation. */
export const rejections = {
  "no-reason": { result: 1, source: 1, reason: 1 },
  "application-context-not-supported": { result: 1, source: 1, reason: 2 },
  "calling-ae-not-recognized": { result: 1, source: 1, reason: 3 },
  "called-ae-not-recognized": { result: 1, source: 1, reason: 7 },
  "protocol-version-not-supported": { result: 1, source: 2, reason: 2 },
  "temporary-congestion": { result: 2, source: 3, reason: 1 },
  "local-limit-exceeded": { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, AssociateReject>;
export type Rejection = keyof typeof rejections;

/** The word for what a peer sent, `other` for numbers that the table does not have. Both results may come with any reason. */
export function rejectionOf({ source, reason }: AssociateReject): Rejection | "other" {
  for (const [word, rejection] of Object.entries(rejections))
    if (rejection.source === source && rejection.reason === reason) return word as Rejection;
  return "other";
}
