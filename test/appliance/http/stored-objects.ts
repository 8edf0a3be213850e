import { join } from "node:path";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { Changes } from "../../../appliance/pipeline/changes.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import { Durability } from "../../../appliance/store/durability.ts";
import { FreeSpace } from "../../../appliance/store/free-space.ts";
import { LogSync } from "../../../appliance/store/log-sync.ts";
import { ObjectFolder } from "../../../appliance/store/objects.ts";
import type { Box } from "./box.ts";

/** Stores Part 10 files in a box as its DICOM node would. */
export async function storeObjects(box: Box, files: readonly Uint8Array[]): Promise<void> {
  const durability = new Durability();
  const objects = await ObjectFolder.open(box.objectsFolder, durability);
  const logSync = new LogSync(join(box.objectsFolder, "../segbox.db"), durability);
  const peer = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "127.0.0.1", associationId: 1 };
  for (const file of files) {
    const { dataSetOffset, ...meta } = readFileMeta(file);
    const sink = await openInstance(
      { ...meta, peer },
      {
        database: box.database,
        objects,
        space: new FreeSpace(box.objectsFolder, 0, () => {}),
        logSync,
        changes: new Changes(),
        clock: systemClock,
        log: createLog(() => {}, systemClock.now),
        quietMs: 1_000,
        onSeries: () => {},
        onBytes: () => {},
        wake: () => {},
      },
    );
    await sink.write(file.subarray(dataSetOffset));
    await sink.commit();
  }
  await objects.close();
  logSync.close();
}
