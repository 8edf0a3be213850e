import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { nodeLookup } from "../config/no-node.ts";

const silenceMs = 10_000;
const mostAnswerBytes = 1024 * 1024;

/**
 * `fetch` for a sign-in provider: believes the given authorities (PEM; null: the system's), goes to no address at which there can't be one,
 * follows no redirect, waits ten seconds and reads a mebibyte at most. Node's own takes no authorities.
 */
export function fetchBelieving(authorities: string | null) {
  return async (
    url: string,
    { method, headers, body }: { method?: string; headers?: Readonly<Record<string, string>>; body?: unknown },
  ): Promise<Response> => {
    const isTls = url.startsWith("https:");
    const options = {
      method: method ?? "GET",
      headers: { ...headers },
      lookup: nodeLookup,
      timeout: silenceMs,
      agent: false as const,
      ...(isTls && authorities !== null && { ca: authorities }),
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asking = (isTls ? requestTls : requestPlain)(url, options, resolve);
      asking.on("timeout", () => asking.destroy(new Error(`no answer within ${silenceMs / 1000} s`))).on("error", reject);
      asking.end(body instanceof URLSearchParams ? body.toString() : (body as string | undefined));
    });
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > mostAnswerBytes) throw new Error(`an answer of more than ${mostAnswerBytes} bytes`);
      pieces.push(piece);
    }
    const answered = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return new Response(size === 0 ? null : Buffer.concat(pieces), { status: answer.statusCode ?? 502, headers: answered });
  };
}
