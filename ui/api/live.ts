import type { LiveEvent } from "../../appliance/api/events.ts";
import { paths } from "../../appliance/api/paths.ts";

export type LiveState = "connecting" | "live" | "reconnecting";

const silentForMs = 40_000; // the box says `alive` every 15 s: two of them missing is one too many
const longestPauseMs = 15_000;

/**
 * The box's event stream, kept open. When it was interrupted, what was missed is not sent again: fetch when the state becomes `live`.
 */
export class LiveConnection {
  state: LiveState = "connecting";
  readonly #onEvent: (event: LiveEvent) => void;
  readonly #onState: (state: LiveState) => void;
  readonly #beforeRetry: () => Promise<unknown>;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  /** @param beforeRetry asked before each new try; a rejection counts as one more failure */
  constructor(listeners: {
    onEvent: (event: LiveEvent) => void;
    onState: (state: LiveState) => void;
    beforeRetry: () => Promise<unknown>;
  }) {
    this.#onEvent = listeners.onEvent;
    this.#onState = listeners.onState;
    this.#beforeRetry = listeners.beforeRetry;
    this.#open();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    const source = new EventSource(paths.events);
    this.#source = source;
    this.#watch();
    source.onopen = () => {
      this.#failures = 0;
      this.#setState("live");
      this.#watch();
    };
    source.onmessage = ({ data }: MessageEvent<string>) => {
      this.#watch();
      this.#onEvent(JSON.parse(data) as LiveEvent);
    };
    source.addEventListener("alive", () => this.#watch());
    source.onerror = () => this.#retry();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#retry(), silentForMs);
  }

  #retry(): void {
    this.close();
    this.#setState("reconnecting");
    const pauseMs = Math.min(longestPauseMs, 1_000 * 2 ** Math.min(this.#failures++, 10)) * (0.75 + Math.random() / 4);
    this.#timer = setTimeout(async () => {
      const timer = this.#timer;
      try {
        await this.#beforeRetry();
      } catch {
        // the box is still away, or the session is over: the caller has seen which
        if (timer === this.#timer) this.#retry();
        return;
      }
      if (timer === this.#timer) this.#open();
    }, pauseMs);
  }

  #setState(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    this.#onState(state);
  }
}
