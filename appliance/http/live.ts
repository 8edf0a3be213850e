import type { ServerResponse } from "node:http";
import type { LiveEvent } from "../api/events.ts";
import { UnavailableError } from "../base/errors.ts";
import type { Context } from "./context.ts";

const heartbeatMs = 15_000; // proxies end a connection that is silent for 30 to 60 s
/** An event of its own, not a comment: a page can't see comments, and would call itself live long after the cable was pulled. */
const alive = "event: alive\ndata: 0\n\n";
const mostStreams = 200;
const mostBufferedBytes = 1024 * 1024; // a client this far behind is gone or asleep: it comes back and fetches the list

type Stream = { readonly tokenDigest: string; readonly response: ServerResponse };

/** The open event streams (server-sent events, WHATWG HTML 9.2). Each ends with its session. */
export class LiveStreams {
  readonly #streams = new Set<Stream>();
  readonly #unsubscribe: () => void;
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(subscribe: (listener: (event: LiveEvent) => void) => () => void, isAlive: (tokenDigest: string) => boolean) {
    this.#unsubscribe = subscribe((event) => this.#send(`data: ${JSON.stringify(event)}\n\n`));
    this.#timer = setInterval(() => {
      try {
        for (const { tokenDigest } of this.#streams) if (!isAlive(tokenDigest)) this.endSession(tokenDigest);
      } catch {
        // The database can't be read just now: asked again at the next beat.
      }
      this.#send(alive);
    }, heartbeatMs).unref();
  }

  /** Answers the request with the stream of events from now on; nothing is replayed. */
  open(context: Context, tokenDigest: string): void {
    if (this.#isClosed || this.#streams.size >= mostStreams) throw new UnavailableError("busy", "too many pages are open; close some");
    context.respond = false;
    const response = context.res;
    response.writeHead(200, { ...response.getHeaders(), "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
    if (context.method === "HEAD") {
      response.end();
      return;
    }
    const stream = { tokenDigest, response };
    this.#streams.add(stream);
    response.on("close", () => this.#streams.delete(stream));
    response.write(alive); // sends the head now: the page learns that it is live
  }

  endSession(tokenDigest: string): void {
    for (const stream of this.#streams) if (stream.tokenDigest === tokenDigest) stream.response.end();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    for (const { response } of this.#streams) response.end();
  }

  #send(text: string): void {
    for (const { response } of this.#streams)
      if (response.writableLength > mostBufferedBytes) response.destroy();
      else if (!response.writableEnded) response.write(text);
  }
}
