import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import { type InstanceHeader, readInstanceHeader } from "../dicom/instance-header.ts";
import { readFileMeta } from "../dicom/part10.ts";
import type { ModelManifest } from "../domain/model.ts";
import { machineSerialNumber } from "../host/serial-number.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import type { EncodeRequest, SourceFile, Subject } from "../pipeline/child-requests.ts";
import { mintUids } from "../pipeline/outputs.ts";
import type { Making } from "../pipeline/provenance.ts";
import { inputDigest } from "../store/series.ts";

/** A series in a folder that no service has taken in. */
export type ReadSeries = {
  readonly files: readonly SourceFile[];
  readonly subject: Subject;
  readonly inputs: Making["inputs"];
  readonly digest: string;
};

/** The files of the one series in a folder, whom it is about, and the digest that a service would give it. */
export async function readSeries(folder: string): Promise<ReadSeries> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new RefusedError("input-unreadable", `can't read the input: ${plainly(error)}`, { cause: error });
  });
  const found: { path: string; header: InstanceHeader; transferSyntaxUid: string; digest: string }[] = [];
  let firstRefusal = "";
  for (const entry of entries.filter((each) => each.isFile()).sort((a, b) => a.name.localeCompare(b.name))) {
    const path = join(entry.parentPath, entry.name);
    try {
      const bytes = await readFile(path);
      const header = readInstanceHeader(bytes);
      const { transferSyntaxUid, dataSetOffset } = readFileMeta(bytes);
      found.push({ path, header, transferSyntaxUid, digest: createHash("sha256").update(bytes.subarray(dataSetOffset)).digest("hex") });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      firstRefusal ||= `${entry.name}: ${error.message}`;
      process.stderr.write(`segbox: left out ${entry.name}: ${error.message}\n`);
    }
  }
  const [first] = found;
  if (!first) throw new RefusedError("input-empty", `no DICOM image in ${folder}${firstRefusal && ` (${firstRefusal})`}`);
  const series = new Set(found.map(({ header }) => header.seriesInstanceUid));
  if (series.size > 1)
    throw new RefusedError("input-several-series", `expected one series in ${folder}, found ${series.size}; give each a folder of its own`);
  return {
    files: found.map(({ path, header }) => ({ sopInstanceUid: header.sopInstanceUid, path, sha256: null })),
    subject: first.header,
    inputs: found.map(({ header, transferSyntaxUid, digest }) => ({
      sopInstanceUid: header.sopInstanceUid,
      transferSyntaxUid,
      sha256: digest,
      receivedAt: null,
    })),
    digest: inputDigest(found),
  };
}

/** Asks for the objects of such a series. */
export function encodeRequest(
  given: Pick<
    EncodeRequest,
    "files" | "modelFolder" | "modelVersion" | "outputFolder" | "outputs" | "settings" | "structures" | "record" | "createdAt"
  >,
  { name, version }: ModelManifest,
  { subject, inputs, digest }: ReadSeries,
): EncodeRequest {
  return {
    kind: "encode",
    ...given,
    emptySeg: false,
    uids: mintUids(),
    making: {
      resultId: null,
      plannedAt: new Date(given.createdAt).toISOString(),
      series: null,
      inputs,
      inputsSha256: digest,
      rule: null,
      model: { name, version },
      inference: given.record,
      steps: [],
    },
    subject,
    predecessorReport: null,
    predecessorStructureSet: null,
    device: {
      manufacturer: "Segbox",
      modelName: "Segbox",
      deviceSerialNumber: machineSerialNumber(),
      softwareVersions: [readSoftwareVersion()],
      stationName: "",
    },
  };
}
