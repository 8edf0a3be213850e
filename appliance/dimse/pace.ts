/** What is known of how a peer sends. */
export type Pace = {
  readonly receivedBytes: number;
  /** Monotonic ms in which it was the peer's turn to send: without the time that we kept it waiting. */
  readonly waitedMs: number;
  /** Messages that have ended. */
  readonly messages: number;
  /** A PDU or a message has begun and is not whole. */
  readonly isUnderWay: boolean;
};

/**
 * Watches that a message, once begun, also gets on: calls `tooSlow`, once, when one brings less than `minimumBytesPerSecond` over
 * `windowMs` of the peer's time. A pause between messages is no matter of this watch.
 *
 * @returns ends the watch
 */
export function watchPace(read: () => Pace, minimumBytesPerSecond: number, windowMs: number, tooSlow: () => void): () => void {
  const needed = (minimumBytesPerSecond * windowMs) / 1000;
  let from = read();
  let timer = setTimeout(look, windowMs);
  function look(): void {
    const now = read();
    const leftMs = windowMs - (now.waitedMs - from.waitedMs);
    const isSameMessage = from.isUnderWay && now.isUnderWay && now.messages === from.messages;
    if (isSameMessage && leftMs > 0) timer = setTimeout(look, leftMs);
    else if (isSameMessage && now.receivedBytes - from.receivedBytes < needed) tooSlow();
    else {
      from = now;
      timer = setTimeout(look, windowMs);
    }
  }
  return () => clearTimeout(timer);
}
