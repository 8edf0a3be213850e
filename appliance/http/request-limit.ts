import { createHash } from "node:crypto";
import type { Middleware } from "koa";
import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import type { Context, RequestState } from "./context.ts";
import { addressOf, cookieName } from "./sessions.ts";

/** Requests a second that go on for long; ten times as many may come at once. */
export type RequestLimits = { readonly requestsPerSecond: number; readonly dicomWebRequestsPerSecond: number };

export const usualLimits: RequestLimits = { requestsPerSecond: 100, dicomWebRequestsPerSecond: 200 };
const burstSeconds = 10;
/** Several people, or a viewer with its workers, may share an address. */
const perAddress = 4;
const mostRemembered = 20_000;

/**
 * Refuses, with the time to wait (429), whoever asks for more than a person or a viewer can use: by session or token, and by address, so that
 * made-up ones do not help. DICOMweb is counted by itself. Guessing passwords has limits of its own, far below (sign-in-delay.ts).
 */
export function limitRequests({ requestsPerSecond, dicomWebRequestsPerSecond }: RequestLimits, clock: Clock): Middleware<RequestState> {
  const buckets = new TokenBuckets(clock.monotonicMs);
  return (context, next) => {
    const isDicomWeb = context.path.startsWith("/dicom-web/");
    const perSecond = isDicomWeb ? dicomWebRequestsPerSecond : requestsPerSecond;
    const kind = isDicomWeb ? "dicom-web" : "page";
    const shown = credentialOf(context);
    const waitMs = Math.max(
      buckets.take(`${kind} address ${addressOf(context)}`, perSecond * perAddress),
      shown === undefined ? 0 : buckets.take(`${kind} credential ${shown}`, perSecond),
    );
    if (waitMs === 0) return next();
    const seconds = Math.ceil(waitMs / 1000);
    context.set("Retry-After", String(seconds));
    context.set("Connection", "close"); // its body is not read
    throw new RefusedError("too-many-requests", `too many requests; wait ${seconds} s and try again`);
  };
}

/** What a request shows who it comes from by; only its digest is kept. */
function credentialOf(context: Context): string | undefined {
  const shown = context.get("Authorization") || context.cookies.get(cookieName);
  return shown ? createHash("sha256").update(shown).digest("base64") : undefined;
}

type Bucket = { tokens: number; at: number };

/** Token buckets, in memory, of so many keys at most: the one that was used longest ago is forgotten first. */
export class TokenBuckets {
  readonly #nowMs: () => number;
  readonly #mostKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(nowMs: () => number, mostKeys = mostRemembered) {
    this.#nowMs = nowMs;
    this.#mostKeys = mostKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token; 0, or how long it is until there is one again, ms. */
  take(key: string, perSecond: number): number {
    const now = this.#nowMs();
    const full = perSecond * burstSeconds;
    const known = this.#buckets.get(key);
    const tokens = known ? Math.min(full, known.tokens + ((now - known.at) / 1000) * perSecond) : full;
    const isLeft = tokens >= 1;
    this.#buckets.delete(key); // to the end: the map keeps the order of use
    this.#buckets.set(key, { tokens: isLeft ? tokens - 1 : tokens, at: now });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#mostKeys) break;
      this.#buckets.delete(oldest);
    }
    return isLeft ? 0 : ((1 - tokens) / perSecond) * 1000;
  }
}
