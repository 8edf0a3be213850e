import { lookup } from "node:dns/promises";
import type { Clock } from "../base/clock.ts";

const keptMs = 60_000;
/** Who asks has a peer waiting for its association. */
const limitMs = 3_000;
/** Names that are asked for are those of nodes; a few hundred at the most. */
const mostKept = 1_000;

/**
 * Makes a look-up of host names that remembers an answer for a minute, so that a slow name server is not asked for every association. While
 * the server does not answer, the last answer counts, whatever its age; none where there is none.
 */
export function createHostResolver(
  clock: Clock,
  ask: (host: string) => Promise<readonly string[]> = askSystem,
): (host: string) => Promise<readonly string[]> {
  const known = new Map<string, { readonly addresses: readonly string[]; readonly at: number }>();
  return async (host) => {
    const last = known.get(host);
    if (last && Math.abs(clock.now() - last.at) < keptMs) return last.addresses;
    const addresses = await within(limitMs, ask(host));
    if (!addresses) return last?.addresses ?? [];
    if (known.size >= mostKept) known.clear();
    known.set(host, { addresses, at: clock.now() });
    return addresses;
  };
}

async function askSystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Null when it fails or takes too long. */
async function within<T>(ms: number, asked: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  try {
    return await Promise.race([asked.catch(() => null), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
