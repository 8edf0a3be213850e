import { createReadStream } from "node:fs";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import { nodeLookup } from "../config/no-node.ts";
import type { JsonDataSet } from "./dicom-json.ts";
import { parseMediaType } from "./media-types.ts";
import { boundaryOf, readMultipart } from "./multipart-reader.ts";
import { multipartBody, multipartType, newBoundary } from "./multipart-writer.ts";

/** A DICOMweb service elsewhere. */
export type WebPeer = {
  /** As people call it, for messages. */
  readonly name: string;
  /** Root, `https://archive.hospital.example/dicom-web`, without a slash at the end. */
  readonly url: string;
  /** The value of Authorization. */
  readonly authorization: string | null;
  /** PEM of the authorities that its certificate is believed on; null: those of the system. */
  readonly authorities: string | null;
};

/** A Part 10 file to be stored. */
export type WebFile = { readonly path: string; readonly sizeBytes: number };

/** What a service said to STOW-RS: its status, and its answer where that is one of DICOM JSON. */
export type WebStoreAnswer = { readonly status: number; readonly json: JsonDataSet | null };

/** Neither byte nor answer for so long: it has hung. */
const silenceMs = 120_000;
const mostAnswerBytes = 16 * 1024 * 1024;
const mostParts = 1_000_000;

type Ask = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable;
};

/**
 * Sends a file from the disk (STOW-RS, PS3.18 10.5). UnavailableError where the service is away, overloaded (5xx, 408, 429), or has no entry for us
 * (401, 403, 404), which somebody will make. What it makes of the object is for the caller to judge.
 */
export async function storeByWeb(peer: WebPeer, { path, sizeBytes }: WebFile, signal: AbortSignal): Promise<WebStoreAnswer> {
  const boundary = newBoundary();
  const headers = { "Content-Type": "application/dicom" }; // the file says in which syntax it is; Orthanc takes no parameter here
  const frame = await lengthOf(multipartBody(boundary, [{ headers, body: [] }]));
  const parts = [{ headers, body: createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array> }];
  const answer = await ask(
    peer,
    {
      method: "POST",
      path: "/studies",
      headers: {
        Accept: "application/dicom+json",
        "Content-Type": multipartType(boundary, "application/dicom"),
        "Content-Length": String(frame + sizeBytes),
      },
      body: Readable.from(multipartBody(boundary, parts), { objectMode: false }),
    },
    signal,
  );
  const text = await textOf(answer);
  const json = jsonOf(text);
  return {
    status: answer.statusCode ?? 0,
    json: json !== null && !Array.isArray(json) && typeof json === "object" ? (json as JsonDataSet) : null,
  };
}

/** Asks what a service has (QIDO-RS, PS3.18 10.6): `/studies?PatientID=1`. */
export async function searchByWeb(peer: WebPeer, path: string, signal: AbortSignal): Promise<JsonDataSet[]> {
  const answer = await ask(peer, { method: "GET", path, headers: { Accept: "application/dicom+json" } }, signal);
  const text = await textOf(answer);
  if (answer.statusCode === 204) return [];
  if (answer.statusCode !== 200) throw refused(peer, answer);
  const json = jsonOf(text);
  if (!Array.isArray(json))
    throw new RefusedError("peer-malformed", `${peer.name} answered a search with something else than a list in DICOM JSON`);
  return json as JsonDataSet[];
}

/** The objects of a study or series, one after the other and as they are stored there (WADO-RS, PS3.18 10.4). Each is to be read before the next. */
export async function* retrieveByWeb(
  peer: WebPeer,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  const headers = { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };
  const answer = await ask(peer, { method: "GET", path, headers }, signal);
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw refused(peer, answer);
  }
  const boundary = boundaryOf(parseMediaType(answer.headers["content-type"] ?? ""));
  try {
    for await (const part of readMultipart(answer, boundary, { parts: mostParts })) yield part.body;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw away(peer, error);
    throw new UnavailableError("peer-unavailable", `${peer.name}: ${error.message}`, { cause: error }); // cut off on the way
  } finally {
    answer.destroy();
  }
}

/** Redirects are not followed: nobody but the site file says where patients' images go. */
async function ask(peer: WebPeer, { method, path, headers, body }: Ask, signal: AbortSignal): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const url = new URL(peer.url + path);
  const send = url.protocol === "https:" ? requestTls : requestPlain;
  const request = send(url, {
    method,
    signal,
    agent: false,
    lookup: nodeLookup(url.hostname),
    timeout: silenceMs,
    headers: { ...headers, ...(peer.authorization !== null && { Authorization: peer.authorization }) },
    ...(peer.authorities !== null && { ca: peer.authorities }),
  });
  request.on("timeout", () => request.destroy(new Error(`no sign for ${silenceMs / 1000} s`)));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
  });
  answered.catch(() => {}); // told below
  const sent = body ? pipeline(body, request) : Promise.resolve(request.end());
  sent.catch(() => {}); // a service that refuses early closes while we send: its answer counts
  let answer: IncomingMessage;
  try {
    answer = await answered;
  } catch (error) {
    signal.throwIfAborted();
    throw away(peer, error);
  }
  const status = answer.statusCode ?? 0;
  if (status >= 500 || [408, 429, 401, 403, 404, 405].includes(status) || (status >= 300 && status < 400)) {
    answer.destroy();
    throw new UnavailableError("peer-unavailable", `${peer.name} answered ${status}${remedyFor(status)}`);
  }
  return answer;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return "; check the credentials in the site file, and its entry for us";
  if (status === 404 || status === 405) return "; check the address of DICOMweb in the site file";
  return status < 400 ? "; redirects are not followed, name the address itself in the site file" : "";
}

function refused(peer: WebPeer, { statusCode }: IncomingMessage): RefusedError {
  return new RefusedError("peer-refused", `${peer.name} answered ${statusCode}`);
}

function away(peer: WebPeer, error: unknown): UnavailableError {
  return new UnavailableError("peer-unavailable", `${peer.name} at ${new URL(peer.url).host}: ${plainly(error)}`, { cause: error });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostAnswerBytes) throw new RefusedError("peer-malformed", `an answer of more than ${mostAnswerBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null; // some answer success with XML, or nothing
    throw error;
  }
}

async function lengthOf(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of pieces) length += piece.length;
  return length;
}
