import * as z from "zod/mini";

/** POST /api/results/ID/review: a person's judgement of a result. A rejection says why. */
export const reviewRequest = z.discriminatedUnion("verdict", [
  z.strictObject({ verdict: z.literal("accepted") }),
  z.strictObject({ verdict: z.literal("rejected"), reason: z.string().check(z.minLength(3), z.maxLength(500)) }),
]);
export type ReviewRequest = z.infer<typeof reviewRequest>;

/** What a person made of a result; none yet where it is null. */
export type ReviewSummary = {
  readonly verdict: "accepted" | "rejected";
  readonly by: string;
  /** UTC epoch ms. */
  readonly at: number;
  /** Why it was rejected, in the reviewer's words; empty for an accepted one. */
  readonly reason: string;
};
