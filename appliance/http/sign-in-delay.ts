/** Tries that cost nothing, then a pause that doubles with each failure. No account is ever locked: an attacker could lock out its owner. */
const rules = {
  account: { free: 5, firstMs: 1_000, longestMs: 60_000 },
  address: { free: 20, firstMs: 1_000, longestMs: 60_000 },
} as const;
const forgetAfterMs = 60 * 60_000;

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
  begin(name: string, address: string): number {
    const now = this.#now();
    const [account, from] = keysOf(name, address);
    const waitMs = Math.max(this.#waitMs(account, rules.account, now), this.#waitMs(from, rules.address, now));
    if (waitMs > 0) return waitMs;
    this.#count(account, now);
    this.#count(from, now);
    return 0;
  }

  /** Clears the account; of the address only this one try, or an attacker's own account would reset it between guesses at others. */
  succeeded(name: string, address: string): void {
    const [account, from] = keysOf(name, address);
    this.#failures.delete(account);
    const entry = this.#failures.get(from);
    if (entry && --entry.count === 0) this.#failures.delete(from);
  }

  #waitMs(key: string, { free, firstMs, longestMs }: (typeof rules)[keyof typeof rules], now: number): number {
    const entry = this.#failures.get(key);
    if (!entry || entry.count < free || now - entry.lastAt > forgetAfterMs) return 0;
    return Math.max(0, entry.lastAt + Math.min(longestMs, firstMs * 2 ** Math.min(entry.count - free, 30)) - now);
  }

  #count(key: string, now: number): void {
    const entry = this.#failures.get(key);
    const count = entry && now - entry.lastAt <= forgetAfterMs ? entry.count + 1 : 1;
    this.#failures.delete(key); // to the end: the map keeps the order of the last failure
    this.#failures.set(key, { count, lastAt: now });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#mostEntries) break;
      this.#failures.delete(oldest);
    }
  }
}

function keysOf(name: string, address: string): [account: string, address: string] {
  return [`account ${name.toLowerCase()}`, `address ${address}`];
}
