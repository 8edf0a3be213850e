import type { SeriesSummary } from "./series.ts";

/**
 * GET /api/events, text/event-stream; each message's data is one of these as JSON. A client that reconnects fetches the list again. An
 * event named `alive` comes every 15 s: without one for longer, the connection is dead.
 */
export type LiveEvent =
  | { readonly kind: "series"; readonly series: SeriesSummary }
  | { readonly kind: "progress"; readonly seriesId: number; readonly resultId: number; readonly progress: number };
