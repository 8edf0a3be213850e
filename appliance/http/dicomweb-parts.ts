import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ObjectForm } from "../dicomweb/media-types.ts";
import { multipartBody, multipartType, newBoundary, type Part } from "../dicomweb/multipart-writer.ts";
import type { Retrieved, Retriever } from "../pipeline/retrieve.ts";
import type { WebObject } from "../pipeline/web-archive.ts";
import type { Context } from "./context.ts";
import { notFound } from "./route.ts";

/** Objects that are written anew together: so many, or so many bytes as they are stored. */
const batch = { objects: 32, bytes: 64 * 1024 * 1024 };

/** Answers with a multipart/related message. */
export function asParts(context: Context, type: string, parts: Iterable<Part> | AsyncIterable<Part>): void {
  const boundary = newBoundary();
  context.body = Readable.from(multipartBody(boundary, parts), { objectMode: false });
  context.set("Content-Type", multipartType(boundary, type));
}

/** The bytes of a file, which is closed at the end, or when the reader goes away. */
export async function* bytesOfFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? notFound("object") : error;
  });
  yield* file.createReadStream({ highWaterMark: 256 * 1024 });
}

/** The pieces of what a child has made, one after the other; the file is closed behind the last. */
export async function* piecesOf({ file, sizes }: Retrieved): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  try {
    let start = 0;
    for (const size of sizes) {
      yield bytesBetween(file, start, size);
      start += size;
    }
  } finally {
    await file.close();
  }
}

async function* bytesBetween(file: FileHandle, start: number, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < size; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(256 * 1024, size - at)), 0, undefined, start + at);
    if (bytesRead === 0) throw new Error("what a child has made ends before its end");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Objects as Part 10 files: from the disk as they are stored, or written anew by a child, many at a time. */
export async function* objectParts(
  objects: readonly WebObject[],
  form: ObjectForm,
  retriever: Retriever,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  const explicitLittle = "1.2.840.10008.1.2.1";
  const headers = (syntax: string) => ({ "Content-Type": `application/dicom; transfer-syntax=${syntax}` });
  for (let at = 0; at < objects.length; ) {
    const object = objects[at]!;
    if (form.asStored(object.transferSyntaxUid)) {
      yield { headers: headers(object.transferSyntaxUid), body: bytesOfFile(object.path) };
      at += 1;
      continue;
    }
    const paths: string[] = [];
    let bytes = 0;
    while (at < objects.length && paths.length < batch.objects && bytes < batch.bytes) {
      const next = objects[at]!;
      if (form.asStored(next.transferSyntaxUid)) break;
      paths.push(next.path);
      bytes += next.sizeBytes;
      at += 1;
    }
    const made = await retriever.ask({ kind: "transcode", paths }, signal);
    for await (const body of piecesOf(made)) yield { headers: headers(explicitLittle), body };
  }
}
