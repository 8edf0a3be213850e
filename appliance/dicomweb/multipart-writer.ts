import { randomUUID } from "node:crypto";

export type Part = { readonly headers: Readonly<Record<string, string>>; readonly body: Iterable<Uint8Array> | AsyncIterable<Uint8Array> };

/** A boundary that no content has by chance: 122 random bits. */
export function newBoundary(): string {
  return `segbox-${randomUUID()}`;
}

/** The Content-Type of a multipart/related message whose parts are of one type. RFC 2387 */
export function multipartType(boundary: string, type: string): string {
  return `multipart/related; type="${type}"; boundary=${boundary}`;
}

/** The bytes of a multipart message, piece by piece: a part is opened when the one before it is out. RFC 2046 5.1.1 */
export async function* multipartBody(
  boundary: string,
  parts: Iterable<Part> | AsyncIterable<Part>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { headers, body } of parts) {
    const lines = Object.entries(headers).map(([name, value]) => {
      if (/[\r\n\0]/.test(value)) throw new Error(`a line end in the part header ${name}`);
      return `${name}: ${value}\r\n`;
    });
    yield Buffer.from(`--${boundary}\r\n${lines.join("")}\r\n`, "latin1");
    yield* body;
    yield Buffer.from("\r\n", "latin1");
  }
  yield Buffer.from(`--${boundary}--\r\n`, "latin1");
}
