import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createLog } from "../base/log.ts";
import { encodeFileMeta } from "../dicom/part10.ts";
import { sopClass } from "../dicom/sop-classes.ts";
import { startScp } from "../dimse/scp.ts";
import { writeDurably } from "../store/objects.ts";

export type DemoPacs = AsyncDisposable & { readonly port: number; readonly folder: string; readonly received: readonly string[] };

/** A DICOM node on loopback that takes what Segbox sends and keeps it as Part 10 files: stands in for the hospital's PACS in the demo. */
export async function startDemoPacs(folder: string): Promise<DemoPacs> {
  await mkdir(folder, { recursive: true });
  const received: string[] = [];
  const scp = await startScp(
    { host: "127.0.0.1", port: 0, storageSopClasses: [sopClass.segmentationStorage, sopClass.rtStructureSetStorage] },
    {
      acceptAssociation: ({ calledAeTitle }) =>
        calledAeTitle === "PACS" ? { accept: true } : { accept: false, reason: "called-ae-not-recognized" },
      async openInstance({ sopClassUid, sopInstanceUid, transferSyntaxUid }) {
        const pieces: Uint8Array[] = [encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid })];
        return {
          write: (chunk) => void pieces.push(Uint8Array.from(chunk)),
          async commit() {
            const path = join(folder, `${sopInstanceUid}.dcm`);
            await writeDurably(path, pieces);
            if (!received.includes(path)) received.push(path);
          },
          abort: async () => {},
        };
      },
      associationClosed() {},
    },
    createLog(() => {}, Date.now),
  );
  return { port: scp.port, folder, received, [Symbol.asyncDispose]: () => scp.close(1_000) };
}
