/**
 * What an association for each object costs: `node test/bench/associations.ts`. The same small objects go to storescp and to Orthanc, each over an
 * association of its own, as deliveries do, and all over one; milliseconds an object, medians of five rounds (least to most).
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { type StoreFile, storeFiles, storeFirstTaken } from "../../appliance/dimse/scu.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { startStorescp } from "../peers/dcmtk.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";

const objects = 40;
const rounds = 5;

await using folder = await temporaryFolder("associations");
async function filesOf(round: string): Promise<StoreFile[]> {
  const made = makeCtSeries({ name: `bench-${round}`, dims: [64, 64, objects] });
  return Promise.all(
    made.map(async ({ bytes }, index) => {
      const path = join(folder.path, `${round}-${index}.dcm`);
      await writeFile(path, bytes);
      return { path, ...readFileMeta(bytes) };
    }),
  );
}

await using storescp = await startStorescp();
await using orthanc = await startOrthanc({ isVerbose: false });
for (const [peer, aeTitle, port] of [
  ["storescp", storescp.aeTitle, storescp.port],
  ["Orthanc", orthanc.aeTitle, orthanc.dicomPort],
] as const) {
  const node = { name: peer, aeTitle, host: "127.0.0.1", port };
  const times = { each: [] as number[], one: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const way of ["each", "one"] as const) {
      const files = await filesOf(`${peer}-${way}-${round}`);
      const startedAt = performance.now();
      if (way === "one") await storeFiles(node, "SEGBOX", files);
      else for (const file of files) await storeFirstTaken(node, "SEGBOX", [file]);
      times[way].push((performance.now() - startedAt) / objects);
    }
  }
  const text = (values: number[]): string => {
    const [least, , median, , most] = values.toSorted((a, b) => a - b).map((value) => value.toFixed(1));
    return `${median} (${least} to ${most})`;
  };
  process.stdout.write(`${peer}: an association each ${text(times.each)} ms, one for all ${text(times.one)} ms\n`);
}
