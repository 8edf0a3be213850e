import type { ResultId, SeriesId } from "../domain/ids.ts";

export type Change =
  | { readonly kind: "series"; readonly seriesId: SeriesId }
  | { readonly kind: "progress"; readonly seriesId: SeriesId; readonly resultId: ResultId; readonly progress: number };

/** Tells whoever listens that a series or one of its results changed. Progress lives here only: after a restart a result starts again. */
export class Changes {
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #progress = new Map<ResultId, number>();

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  seriesChanged(seriesId: SeriesId): void {
    this.#tell({ kind: "series", seriesId });
  }

  /** 0..1 */
  progressed(seriesId: SeriesId, resultId: ResultId, progress: number): void {
    this.#progress.set(resultId, progress);
    this.#tell({ kind: "progress", seriesId, resultId, progress });
  }

  /** Inference of a result is over, however it ended. */
  clearProgress(resultId: ResultId): void {
    this.#progress.delete(resultId);
  }

  /** 0..1 while a result is in inference, else null. */
  progressOf(resultId: ResultId): number | null {
    return this.#progress.get(resultId) ?? null;
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
