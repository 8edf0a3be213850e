import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RefusedError } from "../base/errors.ts";
import { readFileMeta } from "../dicom/part10.ts";
import type { SeriesFile } from "../dicom/series-to-volume.ts";
import { type LoadedModel, readModel } from "../inference/models.ts";
import { modelChanged, type SourceFile } from "./child-requests.ts";

/** The model that the result was planned with: a result must not name one version and come from another. */
export async function loadVersion({ modelFolder, modelVersion }: { modelFolder: string; modelVersion: string }): Promise<LoadedModel> {
  const model = await readModel(modelFolder);
  const { name, version } = model.manifest;
  if (version !== modelVersion)
    throw new RefusedError(
      modelChanged,
      `model ${name} was version ${modelVersion} when this result was planned and is ${version} now; try again to plan it anew`,
    );
  return model;
}

/** A file of a request as readers take it. A bit that flipped on the disk is refused ("image-damaged"): it would be measured. */
export function lazily({ sopInstanceUid, path, sha256 }: SourceFile): SeriesFile {
  return {
    sopInstanceUid,
    async load() {
      const bytes = await readFile(path);
      if (sha256 !== null) {
        const found = createHash("sha256")
          .update(bytes.subarray(readFileMeta(bytes).dataSetOffset))
          .digest("hex");
        if (found !== sha256)
          throw new RefusedError(
            "image-damaged",
            "a received file is not what was received any more; check the disk, and send the series again",
          );
      }
      return bytes;
    },
  };
}
