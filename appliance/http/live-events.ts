import type { LiveEvent } from "../api/events.ts";
import type { SeriesSummary } from "../api/series.ts";
import type { SeriesId } from "../domain/ids.ts";

/**
 * Makes live events of "this series changed": a scanner brings hundreds of images a second, a person wants a few pictures of that a second.
 * What the series looks like is read when the event goes out, once for all who listen.
 */
export class LiveEvents {
  readonly #readSummary: (id: SeriesId) => SeriesSummary | undefined;
  readonly #everyMs: number;
  readonly #listeners = new Set<(event: LiveEvent) => void>();
  readonly #changed = new Set<SeriesId>();
  #timer: NodeJS.Timeout | undefined;

  constructor(readSummary: (id: SeriesId) => SeriesSummary | undefined, everyMs = 200) {
    this.#readSummary = readSummary;
    this.#everyMs = everyMs;
  }

  readonly subscribe = (listener: (event: LiveEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Call it after the change is committed. */
  readonly seriesChanged = (id: SeriesId): void => {
    if (this.#listeners.size === 0) return;
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.#publishChanged(), this.#everyMs).unref();
  };

  readonly publish = (event: LiveEvent): void => {
    for (const listener of this.#listeners) listener(event);
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#changed.clear();
  }

  #publishChanged(): void {
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const id of changed) {
      try {
        const series = this.#readSummary(id);
        if (series) this.publish({ kind: "series", series });
      } catch {
        // A database that can't be read just now must not end the service: pages hear of the next change, or ask when they are opened.
      }
    }
  }
}
