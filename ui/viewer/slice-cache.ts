export type Slice = { readonly k: number; readonly hu: Int16Array; readonly labels: Uint8Array };

export type SliceState = "loading" | "here" | "failed";

const mostBytes = 96 * 1024 * 1024; // 128 slices of 512x512
const ahead = 6;
const behind = 2;
const mostAtOnce = 3; // a browser opens six connections to one host; the rest of the page wants some

/**
 * The slices around the one that is looked at, fetched when asked for. The wanted one goes first, then those ahead in the direction of
 * scrolling; what is no longer near is given up, and what was not looked at for longest is dropped.
 */
export class SliceCache {
  readonly #load: (k: number, signal: AbortSignal) => Promise<ArrayBuffer>;
  readonly #pixels: number;
  readonly #count: number;
  readonly #onChange: () => void;
  readonly #most: number;
  readonly #here = new Map<number, Slice>();
  readonly #underWay = new Map<number, AbortController>();
  readonly #failed = new Set<number>();
  #wanted = 0;
  #direction = 1;
  #isClosed = false;

  constructor(
    load: (k: number, signal: AbortSignal) => Promise<ArrayBuffer>,
    [columns, rows, count]: readonly [number, number, number],
    onChange: () => void,
  ) {
    this.#load = load;
    this.#pixels = columns * rows;
    this.#count = count;
    this.#onChange = onChange;
    this.#most = Math.max(ahead + behind + 2, Math.floor(mostBytes / (this.#pixels * 3)));
  }

  /** The slice, if it is here. */
  get(k: number): Slice | undefined {
    const slice = this.#here.get(k);
    if (slice) {
      this.#here.delete(k); // to the end: the map keeps the order of the last look
      this.#here.set(k, slice);
    }
    return slice;
  }

  state(k: number): SliceState {
    if (this.#here.has(k)) return "here";
    return this.#failed.has(k) ? "failed" : "loading";
  }

  /** This one is looked at now. */
  want(k: number): void {
    if (k !== this.#wanted) this.#direction = k > this.#wanted ? 1 : -1;
    this.#wanted = k;
    const near = this.#near();
    const isUrgent = !this.#here.has(k) && !this.#underWay.has(k) && this.#underWay.size >= mostAtOnce;
    for (const [other, controller] of this.#underWay)
      if (isUrgent || !near.includes(other)) {
        controller.abort();
        this.#underWay.delete(other);
      }
    this.#fetchMore();
  }

  /** Forgets that a slice failed and asks for it again. */
  retry(k: number): void {
    this.#failed.delete(k);
    this.want(k);
  }

  close(): void {
    this.#isClosed = true;
    for (const controller of this.#underWay.values()) controller.abort();
    this.#underWay.clear();
    this.#here.clear();
  }

  #near(): number[] {
    const offsets = [0, ...Array.from({ length: ahead }, (_, step) => step + 1), ...Array.from({ length: behind }, (_, step) => -step - 1)];
    return offsets.map((offset) => this.#wanted + offset * this.#direction).filter((k) => k >= 0 && k < this.#count);
  }

  #fetchMore(): void {
    if (this.#isClosed) return;
    for (const k of this.#near()) {
      if (this.#underWay.size >= mostAtOnce) return;
      if (!this.#here.has(k) && !this.#underWay.has(k) && !this.#failed.has(k)) void this.#fetch(k);
    }
  }

  async #fetch(k: number): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(k, controller);
    try {
      const bytes = await this.#load(k, controller.signal);
      if (bytes.byteLength !== this.#pixels * 3)
        throw new Error(`expected ${this.#pixels * 3} bytes of slice ${k}, found ${bytes.byteLength}`);
      if (controller.signal.aborted) return;
      this.#here.set(k, { k, hu: new Int16Array(bytes, 0, this.#pixels), labels: new Uint8Array(bytes, this.#pixels * 2) });
      for (const oldest of this.#here.keys()) {
        if (this.#here.size <= this.#most) break;
        this.#here.delete(oldest);
      }
    } catch {
      if (!controller.signal.aborted) this.#failed.add(k); // shown where the slice would be, with a way to try again
    } finally {
      if (this.#underWay.get(k) === controller) this.#underWay.delete(k);
      if (!controller.signal.aborted) this.#onChange();
      this.#fetchMore();
    }
  }
}
