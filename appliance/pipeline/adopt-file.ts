import { open, stat } from "node:fs/promises";
import { RefusedError } from "../base/errors.ts";
import { readFileMeta, readSourceAeTitle } from "../dicom/part10.ts";
import type { AeTitle } from "../domain/ids.ts";
import { findInstances } from "../store/series.ts";
import { digestOf } from "./delivery-forms.ts";
import { findSame, headerWithin, headLimitBytes, noteInstance, type ReceiveOptions } from "./receive.ts";

/**
 * Notes an image whose file is here and whose row is not, as if its sender had just sent it. False where the row has come meanwhile. Refused where the
 * file is not what its name says, or can't be understood.
 *
 * @param aeTitle ours, which the sender called
 */
export async function adoptFile(digest: string, aeTitle: AeTitle, options: ReceiveOptions): Promise<boolean> {
  const path = options.objects.path(digest);
  const start = await readStart(path);
  if ((await digestOfFile(path)) !== digest) throw new RefusedError("file-damaged", "a file is not what its name says");
  const header = headerWithin(start, start.length < headLimitBytes);
  if (!header) throw new RefusedError("header-too-long", "its header does not end within the first megabyte");
  const file = { digest, sizeBytes: (await stat(path)).size };
  const earlier = findInstances(options.database, header.seriesInstanceUid, header.sopInstanceUid);
  if (earlier.some((instance) => instance.digest === digest)) return false;
  const sameAs = earlier.length > 0 ? await findSame(earlier, file, options) : undefined;
  const callingAeTitle = readSourceAeTitle(start) ?? "UNKNOWN";
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = header;
  const peer = { callingAeTitle, calledAeTitle: aeTitle, remoteAddress: "", associationId: 0 };
  const { seriesId } = await noteInstance(
    { sopClassUid, sopInstanceUid, transferSyntaxUid, peer },
    header,
    { ...file, removed: -1 },
    sameAs,
    options,
  );
  options.changes.seriesChanged(seriesId);
  return true;
}

/** SHA-256 of the data set in a Part 10 file, hex. Refused where there is none. */
export async function digestOfFile(path: string): Promise<string> {
  const { dataSetOffset } = readFileMeta(await readStart(path));
  return digestOf({ path, dataSetOffset });
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headLimitBytes), 0, headLimitBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
