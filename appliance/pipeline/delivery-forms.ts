import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { transferSyntaxOf } from "../dicom/transfer-syntaxes.ts";
import type { OpenedFile, StoreFile } from "../dimse/scu.ts";
import type { Uid } from "../domain/ids.ts";
import type { Delivery, ObjectUids, Result } from "../domain/result.ts";
import type { ObjectKind } from "../domain/rule.ts";
import { getDocument } from "../store/documents.ts";
import { getResult } from "../store/results.ts";
import { outputForms } from "./outputs.ts";
import { type ReportOptions, reportFor } from "./reports.ts";
import type { Retriever } from "./retrieve.ts";

/** One of a delivery's choices as a file that can be sent. */
export type Form = StoreFile & { readonly seriesInstanceUid: Uid; readonly output: ObjectKind };

export type FormOptions = ReportOptions & {
  /** Writes an object anew without compression, in a child. */
  readonly retriever: Pick<Retriever, "ask">;
};

/** Enough for preamble and file meta information. */
const metaBytes = 4096;

/** The choices of a delivery that were not passed over yet, in their order. A report is written first where none says what it has to. */
export async function formsOf(delivery: Delivery, options: FormOptions, signal: AbortSignal): Promise<Form[]> {
  const result = getResult(options.database, delivery.resultId)!;
  const forms: Form[] = [];
  for (const output of delivery.choices.slice(delivery.position)) {
    const { file, uids } = await objectOf(output, delivery, result, options, signal);
    const path = join(options.resultFolder(result.id), file);
    const meta = readFileMeta(await readStart(path));
    const form = { path, output, ...meta, seriesInstanceUid: uids.seriesInstanceUid, isOurs: true };
    const isCompressed = transferSyntaxOf(meta.transferSyntaxUid).coding !== "native";
    forms.push(isCompressed ? { ...form, decode: () => decoded(path, options.retriever, signal) } : form);
  }
  return forms;
}

async function objectOf(
  output: ObjectKind,
  delivery: Delivery,
  result: Result,
  options: ReportOptions,
  signal: AbortSignal,
): Promise<{ readonly file: string; readonly uids: ObjectUids }> {
  if (output === "sr" || output === "reviewed-sr") return reportFor(delivery, result, options, signal);
  if (output !== "rejection-note") return { file: outputForms[output].file, uids: result.uids[output] };
  const note = delivery.documentId === null ? undefined : getDocument(options.database, delivery.documentId);
  if (!note) throw new RefusedError("object-missing", "the rejection note of this result was not written");
  return note;
}

/** SHA-256 of a form's data set, hex: of what goes over the network. */
export async function digestOf({ path, dataSetOffset }: Pick<Form, "path" | "dataSetOffset">): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { start: dataSetOffset, highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function decoded(path: string, retriever: Pick<Retriever, "ask">, signal: AbortSignal): Promise<OpenedFile> {
  const { file: handle } = await retriever.ask({ kind: "transcode", paths: [path] }, signal);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(metaBytes), 0, metaBytes, 0);
    return { handle, dataSetOffset: readFileMeta(buffer.subarray(0, bytesRead)).dataSetOffset };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RefusedError("object-missing", `there is no ${basename(path)} of this result: it could not be written, or is lost`);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(metaBytes), 0, metaBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
