import type { NodeService } from "./nodes.ts";
import type { Reason } from "./reason.ts";

/** What a result can be written as. */
export type Output = "seg" | "seg-labelmap" | "rtstruct" | "sr" | "secondary-capture" | "pdf" | "reviewed-sr" | "rejection-note";

/** One object of a result on its way to one destination. */
export type DeliverySummary = {
  readonly id: number;
  readonly destination: string;
  /** What goes or went: one of the choices, the first that the destination takes. */
  readonly output: Output;
  readonly choices: readonly Output[];
  /** The choices before it, which the destination did not take. */
  readonly refusals: readonly { readonly output: Output; readonly reason: Reason; readonly at: number }[];
  /**
   * held: until the result is accepted. withdrawn: the result was rejected, or another took its place, before it went out; of a rejection
   * note, the destination takes none.
   */
  readonly state: "held" | "waiting" | "delivered" | "failed" | "withdrawn";
  /** Its destination is paused: it waits without trying. */
  readonly paused: boolean;
  readonly attempts: number;
  readonly reason: Reason | null;
  /** The destination's last C-STORE status, 0 for Success, and its Error Comment. */
  readonly status: number | null;
  readonly comment: string | null;
  /** Of a delivered one, whether the destination has committed itself to keep it; null: it is not asked to. */
  readonly commitment: "asked" | "committed" | "failed" | null;
  /** UTC epoch ms. */
  readonly triedAt: number | null;
  readonly deliveredAt: number | null;
};

/** A line of GET /api/deliveries?state=failed: what has not arrived, the newest first. Without `state`, all that has not. */
export type OpenDelivery = DeliverySummary & {
  readonly resultId: number;
  readonly seriesId: number;
  readonly rule: string;
  readonly patientName: string;
  readonly patientId: string;
  readonly seriesDescription: string;
};

/** GET /api/nodes */
export type Node = {
  readonly name: string;
  readonly aeTitle: string;
  readonly host: string;
  readonly port: number;
  /** Nothing is sent there until somebody resumes it. */
  readonly paused: boolean;
  /** Deliveries that wait to go there. */
  readonly waiting: number;
  /** What it is used for. */
  readonly services: readonly NodeService[];
  /** What the last test found, and when (UTC epoch ms); null: never tested. */
  readonly found: { readonly at: number; readonly services: readonly NodeService[] } | null;
};
