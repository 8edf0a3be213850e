import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import type { Box } from "./box.ts";

const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 1 };

/** Stores Part 10 files in a box as its DICOM node would. */
export async function storeObjects({ receiving }: Box, files: readonly Uint8Array[]): Promise<void> {
  for (const file of files) {
    const { dataSetOffset, ...meta } = readFileMeta(file);
    const sink = await openInstance({ ...meta, peer }, { ...receiving, onSeries: () => {} });
    await sink.write(file.subarray(dataSetOffset));
    await sink.commit();
  }
}
