import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Database } from "../../appliance/store/database.ts";
import { makeThresholdModel } from "../make/threshold-model.ts";
import { type StorageNode, startStorescp } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { startReceiver } from "./receiving.ts";
import { slicesEach } from "./scanner.ts";

export type WholeBox = Awaited<ReturnType<typeof startReceiver>>;
export type StartBox = (env?: Readonly<Record<string, string>>, more?: Parameters<typeof startReceiver>[2]) => Promise<WholeBox>;

const model = "thresholds";

/** A data folder with the smallest model, whose results go to the PACS as SEG and RTSTRUCT; each start runs the service on it. */
export async function setUpWholeBox(folder: string, pacsPort: number): Promise<{ readonly data: string; readonly start: StartBox }> {
  const data = join(folder, "data");
  await mkdir(join(data, "models"), { recursive: true });
  await makeThresholdModel(join(data, "models"), model);
  const site = {
    nodes: [{ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port: pacsPort }],
    // A part of a series is no reason to compute
    rules: [{ name: "all", match: { minimumSlices: slicesEach }, model, outputs: ["seg", "rtstruct"], destinations: ["pacs"] }],
  };
  const start: StartBox = (env = {}, { dicom = {}, ...more } = {}) =>
    startReceiver(data, env, {
      site,
      dicom: { quietSeconds: 1, limits: { minimumFreeMegabytes: 0 }, ...dicom },
      siteFile: join(folder, "site.json"),
      ...more,
    });
  return { data, start };
}

/** storescp that keeps each arrival as a file of its own, so that what comes twice can be compared. */
export function startKeepingPacs(port?: number): Promise<StorageNode> {
  return startStorescp({ aeTitle: "PACS", options: ["--unique-filenames", "--fork"], ...(port !== undefined && { port }) });
}

/** Reads the database of a box, running or not. */
export function readDatabase<T>(data: string, read: (database: Database) => T): T {
  const database = new Database(join(data, "segbox.sqlite"));
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** Waits until nothing is left to do. */
export async function settled(data: string, timeoutMs = 240_000): Promise<void> {
  await eventually(async () => {
    const { open } = readDatabase(
      data,
      (database) => database.get<{ open: number }>("select count(*) as open from job where state in ('waiting', 'running')")!,
    );
    return open === 0 || undefined;
  }, timeoutMs);
}

/** The quiet time after the last image, and all that follows. */
export async function finished(data: string): Promise<void> {
  await sleep(1_500);
  await settled(data);
}
