import { type FileHandle, open, readFile } from "node:fs/promises";
import { RefusedError } from "../base/errors.ts";
import { openPart10, type Part10 } from "../dicom/part10.ts";
import { readBulkData } from "../dicomweb/bulk-data.ts";
import { dicomJsonText, type JsonDataSet, toDicomJson } from "../dicomweb/dicom-json.ts";
import { decodedFrame, readStoredFrames } from "../dicomweb/frames.ts";
import { toNativeXml } from "../dicomweb/native-xml.ts";
import { renderFrame } from "../dicomweb/render.ts";
import { toExplicitLittle } from "../dicomweb/transcode.ts";
import { serveChild } from "../host/child-process.ts";
import { encodeJpeg } from "../report/jpeg.ts";
import { encodePng } from "../report/png.ts";
import type { RetrieveReply, RetrieveRequest } from "./retrieve-requests.ts";

/** Entry of the child process that reads objects for DICOMweb: whatever an object does to this process, the service goes on. */
serveChild<RetrieveRequest, never, RetrieveReply>(async (request) => {
  const out = await open(request.outFile, "wx");
  try {
    const sizes: number[] = [];
    for await (const piece of piecesOf(request)) {
      let size = 0;
      for await (const bytes of piece) size += await writeAll(out, bytes);
      sizes.push(size);
    }
    return { sizes };
  } finally {
    await out.close();
  }
});

type Piece = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

async function* piecesOf(request: RetrieveRequest): AsyncGenerator<Piece, void, undefined> {
  switch (request.kind) {
    case "metadata":
      if (request.form === "xml") for await (const json of metadata(request.objects)) yield [Buffer.from(toNativeXml(json))];
      else yield jsonArray(metadata(request.objects));
      return;
    case "transcode":
      for (const path of request.paths) yield toExplicitLittle(await openWhole(path));
      return;
    case "frames": {
      const opened = await openWhole(request.path);
      const stored = readStoredFrames(opened);
      const missing = request.frames.find((frame) => frame >= stored.frames.length);
      if (missing !== undefined) throw new RefusedError("not-found", `there is no frame ${missing + 1}; there are ${stored.frames.length}`);
      for (const frame of request.frames) yield [request.asStored ? stored.frames[frame]! : await decodedFrame(opened, stored, frame)];
      return;
    }
    case "render": {
      const picture = await renderFrame(await openWhole(request.path), request.frame, request.options);
      yield [request.type === "image/png" ? encodePng(picture) : encodeJpeg(picture, request.options.quality)];
      return;
    }
    case "bulk-data":
      yield await readBulkData(await openWhole(request.path), request.element);
      return;
    default:
      request satisfies never;
  }
}

async function openWhole(path: string): Promise<Part10> {
  return openPart10(await readFile(path), { whole: true });
}

/** The attributes of one object after the other; what can't be understood is left out, unless it is all there is. */
async function* metadata(
  objects: readonly { readonly path: string; readonly url: string }[],
): AsyncGenerator<JsonDataSet, void, undefined> {
  for (const { path, url } of objects) {
    let json: JsonDataSet;
    try {
      json = toDicomJson((await openHead(path)).dataSet, { bulkDataUri: (at) => `${url}/bulkdata/${at}` });
    } catch (error) {
      if (!(error instanceof RefusedError) || objects.length === 1) throw error;
      continue;
    }
    yield json;
  }
}

async function* jsonArray(values: AsyncIterable<JsonDataSet>): AsyncGenerator<Uint8Array, void, undefined> {
  let separator = "[";
  for await (const value of values) {
    yield Buffer.from(separator + dicomJsonText(value));
    separator = ",";
  }
  yield Buffer.from(separator === "[" ? "[]" : "]");
}

/** Reads as little of a file as shows what stands before its pixels. */
async function openHead(path: string): Promise<Part10> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    for (let bytes = 1024 * 1024; ; bytes *= 8) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(bytes, size)), 0, Math.min(bytes, size), 0);
      try {
        return openPart10(buffer.subarray(0, bytesRead));
      } catch (error) {
        if (!(error instanceof RefusedError) || bytes >= size) throw error;
      }
    }
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<number> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
  return bytes.length;
}
