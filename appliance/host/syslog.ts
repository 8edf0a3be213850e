import type { Duplex } from "node:stream";
import { UnavailableError } from "../base/errors.ts";

export type SyslogMessage = {
  /** UTC epoch ms. */
  readonly at: number;
  readonly hostName: string;
  readonly messageId: string;
  readonly text: string;
};

/** Security messages, normal but significant: PS3.15 A.6 asks for facility 10 and severity 5. */
const priority = 10 * 8 + 5;
const byteOrderMark = "\uFEFF";

/** A message of RFC 5424, in the octet-counted frame of RFC 5425, 4.3. */
export function syslogFrame({ at, hostName, messageId, text }: SyslogMessage): Buffer {
  const host = hostName.replace(/[^!-~]/g, "").slice(0, 255) || "-";
  const message = Buffer.from(
    `<${priority}>1 ${new Date(at).toISOString()} ${host} segbox - ${messageId} - ${byteOrderMark}${text}`,
    "utf8",
  );
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/**
 * Sends frames over a connection that is being made, and ends it. Syslog has no receipts: what stands in for one is that the server, which has to read
 * everything that was sent to come to its end, closes in its turn without an error. UnavailableError where it does not within `limitMs`.
 */
export async function sendSyslog(
  socket: Duplex,
  frames: readonly Buffer[],
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const isOver = (): void =>
      fail(new UnavailableError("syslog-silent", `the server did not take the messages within ${limitMs / 1000} s`));
    const timer = setTimeout(isOver, limitMs);
    const abort = (): void => fail(signal.reason);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", fail); // more than once: a handshake that fails may tell it twice
    socket.once("close", () => {
      settle();
      if (socket.readableEnded && socket.writableFinished) resolve();
      else reject(new UnavailableError("syslog-lost", "the connection ended before the server had taken the messages"));
    });
    if (signal.aborted) return abort();
    socket.resume(); // a syslog server says nothing; its end is what is waited for
    socket.end(Buffer.concat(frames));
  });
}
