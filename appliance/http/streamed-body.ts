import type { Middleware } from "koa";
import { RefusedError } from "../base/errors.ts";
import type { Context, RequestState } from "./context.ts";

/** The usual bodies are small: who needs longer is stuck, or means harm. */
const usualMs = 30_000;
/** Who streams has to bring so much in so long, as far as we wait for it. */
const usualPace = { bytes: 64 * 1024, withinSeconds: 30 };

/** Every body has to be there within half a minute, unless a route streams it. What was not read of one ends the connection with the answer. */
export function limitBodyTime(longestMs = usualMs): Middleware<RequestState> {
  return async (context, next) => {
    const { req } = context;
    if (req.complete) return next();
    // A request is not complete yet when it is handed on, even one without a body: an answer that goes on for longer is no fault of its body.
    const timer = setTimeout(() => req.complete || req.destroy(), longestMs);
    context.res.once("close", () => clearTimeout(timer));
    context.state.streamsBody = () => clearTimeout(timer);
    await next();
    if (!req.complete) context.set("Connection", "close");
  };
}

/**
 * The pieces of a body as they come. The connection is ended where it brings less than 64 KiB in half a minute, or is not at its end after
 * `longestMs`. Leaving early keeps the connection, so that an answer can be given.
 */
export async function* streamedBody(
  context: Pick<Context, "req" | "state">,
  longestMs: number,
  pace = usualPace,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { req } = context;
  context.state.streamsBody?.();
  let [bytes, waitedSeconds, isWaiting] = [0, 0, true];
  const end = (): void => void req.destroy(new RefusedError("body-too-slow", "the body came too slowly"));
  const clock = setInterval(() => {
    if (!isWaiting || ++waitedSeconds < pace.withinSeconds) return;
    if (bytes < pace.bytes) end();
    [bytes, waitedSeconds] = [0, 0];
  }, 1_000);
  const deadline = setTimeout(end, longestMs);
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      isWaiting = false;
      bytes += chunk.length;
      yield chunk;
      isWaiting = true;
    }
  } finally {
    clearInterval(clock);
    clearTimeout(deadline);
  }
}
