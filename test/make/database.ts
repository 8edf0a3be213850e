import { join } from "node:path";
import type { ResultUids } from "../../appliance/domain/result.ts";
import { type Rule, usualOutputSettings } from "../../appliance/domain/rule.ts";
import type { InstanceFacts } from "../../appliance/domain/series.ts";
import { type Database, openDatabase } from "../../appliance/store/database.ts";
import type { NewResult } from "../../appliance/store/results.ts";
import { type Arrival, addInstance } from "../../appliance/store/series.ts";
import { temporaryFolder } from "../peers/folder.ts";

export type TestDatabase = AsyncDisposable & { readonly database: Database; readonly folder: string };

/** A migrated database on disk, in a folder of its own. */
export async function temporaryDatabase(): Promise<TestDatabase> {
  const folder = await temporaryFolder("database");
  const database = await openDatabase(join(folder.path, "segbox.sqlite"), 1);
  return {
    database,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export const axialFacts: InstanceFacts = {
  sopClassUid: "1.2.840.10008.5.1.4.1.1.2",
  modality: "CT",
  imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
  rows: 512,
  columns: 512,
  numberOfFrames: 1,
  imageOrientationPatient: [1, 0, 0, 0, 1, 0],
};

const description: Arrival["description"] = {
  patientName: "Phantom^One",
  patientId: "P1",
  patientBirthDate: "19700101",
  patientSex: "O",
  accessionNumber: "A1",
  studyDate: "20260102",
  studyDescription: "Thorax",
  seriesDescription: "Thorax 3.0",
  seriesNumber: 4,
  bodyPartExamined: "CHEST",
};

/** The n-th image of a series. `content` stands for its bytes. */
export function arrival(
  n: number,
  {
    series = "1.2.3",
    content = "",
    at = 1_000,
    facts = {},
  }: { series?: string; content?: string; at?: number; facts?: Partial<InstanceFacts> } = {},
): Arrival {
  return {
    seriesInstanceUid: series,
    studyInstanceUid: "1.2",
    description,
    callingAeTitle: "CT1",
    calledAeTitle: "SEGBOX",
    instance: {
      sopInstanceUid: `${series}.${n}`,
      transferSyntaxUid: "1.2.840.10008.1.2.1",
      digest: `digest-${series}-${n}${content}`,
      sizeBytes: 1000,
      facts: { ...axialFacts, ...facts },
      receivedAt: at,
    },
  };
}

/** A series of so many images, as they came at `at`; its id. */
export function addSeries(database: Database, count: number, options: Parameters<typeof arrival>[1] = {}): number {
  const ids = Array.from({ length: count }, (_, index) => addInstance(database, arrival(index + 1, options)).seriesId);
  return ids[0]!;
}

export const axialRule: Rule = {
  name: "axial CT",
  match: { modality: "CT", axial: true, minimumSlices: 2, callingAeTitles: [], seriesDescription: "" },
  model: "reference",
  outputs: ["seg", "rtstruct"],
  destinations: ["pacs"],
  deliver: "at-once",
  emptySeg: false,
  ...usualOutputSettings,
};

export const someUids: ResultUids = {
  seg: { seriesInstanceUid: "2.25.1", sopInstanceUid: "2.25.2" },
  rtstruct: { seriesInstanceUid: "2.25.3", sopInstanceUid: "2.25.4" },
  "seg-labelmap": { seriesInstanceUid: "2.25.5", sopInstanceUid: "2.25.6" },
  sr: { seriesInstanceUid: "2.25.7", sopInstanceUid: "2.25.8" },
  "secondary-capture": { seriesInstanceUid: "2.25.9", sopInstanceUid: "2.25.10" },
  pdf: { seriesInstanceUid: "2.25.11", sopInstanceUid: "2.25.12" },
};

export function newResult(seriesId: number, inputDigest: string, rest: Partial<NewResult> = {}): NewResult {
  return {
    seriesId,
    rule: axialRule,
    modelName: "reference",
    modelVersion: "1.0.0",
    inputDigest,
    inputs: [],
    uids: someUids,
    createdAt: 5_000,
    ...rest,
  };
}
