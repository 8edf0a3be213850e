import { statfs } from "node:fs/promises";
import { UnavailableError } from "../base/errors.ts";

export type Space = { readonly freeBytes: number; readonly totalBytes: number };

/** Between two looks at the file system: at the speed of a network, some tens of megabytes come in that time. */
const lookEveryMs = 250;

/**
 * The free space of a folder's file system, and whether it is below a limit. Looked at when somebody asks, a few times a second at most; the
 * answer to a caller is what was seen last.
 */
export class FreeSpace {
  readonly #minimumBytes: number;
  readonly #look: () => Promise<Space>;
  readonly #changed: (isLow: boolean, space: Space) => void;
  #space: Space | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #isLow = false;

  /** @param changed told when it falls below the limit, and when it is above again */
  constructor(folder: string, minimumBytes: number, changed: (isLow: boolean, space: Space) => void, look = () => spaceOf(folder)) {
    this.#minimumBytes = minimumBytes;
    this.#changed = changed;
    this.#look = look;
  }

  get minimumBytes(): number {
    return this.#minimumBytes;
  }

  /** UnavailableError `disk-full` while there is less than the limit. A promise only where nothing recent is known. */
  require(): void | Promise<void> {
    if (performance.now() - this.#lookedAt > lookEveryMs) return this.read().then(() => this.#judge());
    this.#judge();
  }

  /** Looks now; who asks while a look is under way shares it. */
  async read(): Promise<Space> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
    return this.#space!;
  }

  get isLow(): boolean {
    return this.#isLow;
  }

  async #lookNow(): Promise<void> {
    const space = await this.#look();
    this.#space = space;
    this.#lookedAt = performance.now();
    const isLow = space.freeBytes < this.#minimumBytes;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    this.#changed(isLow, space);
  }

  #judge(): void {
    if (!this.#isLow) return;
    const megabytes = (bytes: number): number => Math.floor(bytes / 1_048_576);
    throw new UnavailableError(
      "disk-full",
      `disk full: ${megabytes(this.#space!.freeBytes)} MB free, ${megabytes(this.#minimumBytes)} MB required`,
    );
  }
}

async function spaceOf(folder: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
