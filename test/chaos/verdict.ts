import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import type { ResultUids } from "../../appliance/domain/result.ts";
import type { Database } from "../../appliance/store/database.ts";
import type { StorageNode } from "../peers/dcmtk.ts";
import { assertKept } from "./receiving.ts";
import type { ScannedSeries } from "./scanner.ts";
import { readDatabase } from "./whole-box.ts";

export type Verdict = {
  readonly series: number;
  readonly images: number;
  readonly delivered: number;
  /** Series set aside, by the code of their reason. */
  readonly setAside: Readonly<Record<string, number>>;
  /** Distinct objects at the PACS. */
  readonly objects: number;
  /** Objects that came again, with the same bytes. */
  readonly cameAgain: number;
};

type ResultRow = { id: number; state: string; reason: string | null; uids: string };

/**
 * What has to be true when all is settled: every acknowledged image is kept; every acknowledged series has one result, which is delivered whole,
 * or is set aside with a reason; the PACS has each object in one form of bytes, the one that was written, and no object of anything else.
 */
export async function judge(data: string, sent: readonly ScannedSeries[], pacs: StorageNode): Promise<Verdict> {
  await assertKept(
    data,
    sent.flatMap(({ acknowledged }) => acknowledged),
  );
  const arrivals = await arrivalsAt(pacs);
  const expected = new Map<string, string>();
  const setAside: Record<string, number> = {};
  let delivered = 0;
  for (const { seriesInstanceUid } of sent.filter(({ isAcknowledged }) => isAcknowledged)) {
    const end = readDatabase(data, (database) => endOf(database, seriesInstanceUid));
    if (typeof end === "string") {
      setAside[end] = (setAside[end] ?? 0) + 1;
      continue;
    }
    delivered++;
    for (const { sopInstanceUid, file } of end) expected.set(sopInstanceUid, dataSetDigest(await readFile(join(data, "results", file))));
  }
  let cameAgain = 0;
  for (const [sopInstanceUid, digests] of arrivals) {
    assert.equal(new Set(digests).size, 1, `${sopInstanceUid} arrived with different bytes`);
    cameAgain += digests.length - 1;
  }
  for (const [sopInstanceUid, digest] of expected)
    assert.equal(arrivals.get(sopInstanceUid)?.[0], digest, `${sopInstanceUid} is noted as delivered; what is there is another, or none`);
  const strays = [...arrivals.keys()].filter((uid) => !expected.has(uid));
  assert.ok(strays.length === 0 || Object.keys(setAside).length > 0, `the PACS has objects of no result: ${strays.join(", ")}`);
  const images = sent.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  const series = sent.filter(({ isAcknowledged }) => isAcknowledged).length;
  return { series, images, delivered, setAside, objects: arrivals.size, cameAgain };
}

/** What is noted of a series: the objects that were delivered, or the code of the reason for which it was set aside. */
function endOf(database: Database, seriesInstanceUid: string): { sopInstanceUid: string; file: string }[] | string {
  const series = database.get<{ id: number; state: string; reason: string | null }>(
    "select id, state, reason from series where series_instance_uid = ?",
    seriesInstanceUid,
  );
  assert.ok(series, `series ${seriesInstanceUid} was acknowledged and is not known`);
  const results = database.all<ResultRow>("select id, state, reason, uids from result where series_id = ?", series.id);
  assert.ok(results.length <= 1, `series ${series.id} has ${results.length} results`);
  const deliveries = database.all<{ state: string; reason: string | null }>(
    "select state, reason from delivery where result_id = ?",
    results[0]?.id ?? -1,
  );
  if (results[0]?.state === "ready" && deliveries.length === 2 && deliveries.every(({ state }) => state === "delivered")) {
    const { id, uids } = results[0];
    const { seg, rtstruct } = JSON.parse(uids) as ResultUids;
    return [
      { sopInstanceUid: seg.sopInstanceUid, file: `${id}/seg.dcm` },
      { sopInstanceUid: rtstruct.sopInstanceUid, file: `${id}/rtstruct.dcm` },
    ];
  }
  const failed = [...deliveries, ...results, series].find(({ state, reason }) => reason !== null && /^(failed|ignored)$/.test(state));
  assert.ok(failed, `series ${series.id} is neither delivered nor set aside: ${JSON.stringify({ series, results, deliveries })}`);
  return (JSON.parse(failed.reason!) as { code: string }).code;
}

/** Digests of the data sets that came, in any order, by SOP Instance UID. */
async function arrivalsAt(pacs: StorageNode): Promise<Map<string, string[]>> {
  const arrivals = new Map<string, string[]>();
  for (const path of await pacs.files()) {
    const bytes = await readFile(path);
    const { sopInstanceUid } = readFileMeta(bytes);
    arrivals.set(sopInstanceUid, [...(arrivals.get(sopInstanceUid) ?? []), dataSetDigest(bytes)]);
  }
  return arrivals;
}

function dataSetDigest(file: Uint8Array): string {
  return createHash("sha256")
    .update(file.subarray(readFileMeta(file).dataSetOffset))
    .digest("hex");
}
