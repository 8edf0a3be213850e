/**
 * Tries that cost nothing, then a pause that doubles with each failure. No account is ever locked: an attacker could lock out its owner.
 * Wrong codes come from whoever knows the password: there the pause may grow further, since six digits are guessed in a million tries.
 */
const rules = {
  account: { free: 5, firstMs: 1_000, longestMs: 60_000, forgetAfterMs: 3_600_000 },
  code: { free: 5, firstMs: 1_000, longestMs: 3_600_000, forgetAfterMs: 24 * 3_600_000 },
  address: { free: 20, firstMs: 1_000, longestMs: 60_000, forgetAfterMs: 3_600_000 },
} as const;
type Kind = keyof typeof rules;

type Failures = { count: number; lastAt: number };

/**
 * Slows guessing down, per account and per address, in memory. A try counts as failed from its beginning, so that a hundred at the same
 * moment are not all free; success takes it back.
 */
export class SignInDelay {
  readonly #now: () => number;
  readonly #mostEntries: number;
  readonly #failures = new Map<string, Failures>();

  constructor(now: () => number, mostEntries = 20_000) {
    this.#now = now;
    this.#mostEntries = mostEntries;
  }

  /** How long this name or address must wait before its next try, ms; 0 when it may try, and the try is counted. */
  begin(name: string, address: string, kind: "account" | "code" = "account"): number {
    const now = this.#now();
    const waitMs = Math.max(this.#waitMs(kind, name, now), this.#waitMs("address", address, now));
    if (waitMs > 0) return waitMs;
    this.#count(kind, name, now);
    this.#count("address", address, now);
    return 0;
  }

  /** Clears the account; of the address only this one try, or an attacker's own account would reset it between guesses at others. */
  succeeded(name: string, address: string, kind: "account" | "code" = "account"): void {
    this.#failures.delete(keyOf(kind, name));
    const entry = this.#failures.get(keyOf("address", address));
    if (entry && --entry.count === 0) this.#failures.delete(keyOf("address", address));
  }

  #waitMs(kind: Kind, of: string, now: number): number {
    const { free, firstMs, longestMs, forgetAfterMs } = rules[kind];
    const entry = this.#failures.get(keyOf(kind, of));
    if (!entry || entry.count < free || now - entry.lastAt > forgetAfterMs) return 0;
    return Math.max(0, entry.lastAt + Math.min(longestMs, firstMs * 2 ** Math.min(entry.count - free, 30)) - now);
  }

  #count(kind: Kind, of: string, now: number): void {
    const key = keyOf(kind, of);
    const entry = this.#failures.get(key);
    const count = entry && now - entry.lastAt <= rules[kind].forgetAfterMs ? entry.count + 1 : 1;
    this.#failures.delete(key); // to the end: the map keeps the order of the last failure
    this.#failures.set(key, { count, lastAt: now });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#mostEntries) break;
      this.#failures.delete(oldest);
    }
  }
}

function keyOf(kind: Kind, of: string): string {
  return `${kind} ${of.toLowerCase()}`;
}
