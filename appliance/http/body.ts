import { RefusedError } from "../base/errors.ts";
import type { Context } from "./context.ts";

const mostBytes = 64 * 1024;

/** A request's JSON body, at most 64 KiB; the schema's `parse` throws what is wrong with it. */
export async function readBody<T>(context: Context, schema: { parse: (value: unknown) => T }): Promise<T> {
  if (!context.is("application/json")) throw new RefusedError("body-not-json", "expected a body of type application/json");
  const tooLarge = new RefusedError("body-too-large", `expected a body of at most ${mostBytes} bytes`);
  if (Number(context.get("Content-Length") || 0) > mostBytes) throw refuseAndClose(context, tooLarge);
  const chunks: Buffer[] = [];
  let bytes = 0;
  // without destroyOnReturn, leaving the loop early would take the connection down before the refusal is sent
  for await (const chunk of context.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw refuseAndClose(context, tooLarge);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new RefusedError("body-malformed", "the body is not JSON", { cause: error });
  }
  return schema.parse(value);
}

/** The rest of an overlong body is not read: the connection ends with the answer. */
function refuseAndClose(context: Context, error: RefusedError): RefusedError {
  context.set("Connection", "close");
  return error;
}
