import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { type DataFolder, dataFolder } from "../config/data-folder.ts";
import { readSourceSeries } from "../dicom/series-to-volume.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { InferenceRecord, Result } from "../domain/result.ts";
import { askChild } from "../host/child-process.ts";
import { usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import { lazily } from "../pipeline/child-inputs.ts";
import {
  type ChildProgress,
  childEntry,
  childStallMs,
  type SegmentReply,
  type SegmentRequest,
  type SourceFile,
} from "../pipeline/child-requests.ts";
import { differencesOf, leastDice, type RunDifference, verdictOf } from "../pipeline/compare-runs.ts";
import { resultOfUid } from "../pipeline/provenance.ts";
import { type Database, openExistingDatabase } from "../store/database.ts";
import { ObjectFolder } from "../store/objects.ts";
import { getResult } from "../store/results.ts";
import { listInputs } from "../store/traces.ts";
import { compareLabels } from "../volume/compare.ts";
import { type Command, required, UsageError } from "./command.ts";

export const reproduce: Command = {
  words: ["reproduce"],
  summary: "run a result again and compare",
  help: `
segbox reproduce UID --data DIR

Runs the segmentation of a result again, from the images it was made from with the model that is installed, in the same mode and with the same forms
of its networks where they are here, and compares. Where release, engine,
precision, processor, model files and settings are what they were, every voxel has to be the same: digests are compared. Elsewhere it says what
differs, and compares each structure by Dice and volume. A superseded result can be run again too, as long as its images are here.

  --data DIR  the service's data folder; the service may be running

Exit code 0: digests are equal; or, where something else differs than the model's files, every Dice is at least ${leastDice}. Else 1.
`,
  options: { data: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [uid] = args.positionals;
    if (uid === undefined) throw new UsageError("UID is required: a SOP or Series Instance UID of the result");
    const folder = dataFolder(required(args, "data"));
    const database = await openExistingDatabase(folder.database, systemClock.now());
    const work = await mkdtemp(join(tmpdir(), "segbox-reproduce-"));
    try {
      const result = getResult(database, resultOfUid(database, uid))!;
      if (!result.record)
        throw new RefusedError(
          "result-not-ready",
          `result ${result.id} is ${result.state} without a label map; there is nothing to compare with`,
        );
      const files = await imagesOf(database, folder, result);
      const model = await modelOf(folder, result);
      const { record } = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
        childEntry,
        {
          kind: "segment",
          files,
          modelFolder: model.folder,
          modelVersion: result.modelVersion,
          outputFolder: work,
          threads: result.record.trace?.threads ?? availableParallelism(),
          ...settingsOf(result),
          activationFile: folder.activation(result.modelName),
        },
        { stallMs: childStallMs, onProgress: (share) => process.stderr.write(`\rinference ${Math.round(share * 100)} %`) },
      );
      process.stderr.write("\n");
      const labels = [join(folder.result(result.id), "labels.u8"), join(work, "labels.u8")] as const;
      return await compare({ before: result.record, after: record, files, labels, manifest: model.manifest });
    } finally {
      database.close();
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** What its rule chose, and the forms of the networks that made it, so far as they were noted. */
function settingsOf({ rule, record }: Result): Pick<SegmentRequest, "mode" | "asBefore"> {
  const networks = record?.trace?.networks;
  const mode = record?.trace?.mode ?? rule.mode;
  return { ...(mode && { mode }), ...(networks && { asBefore: networks }) };
}

/** The images that the result was made from, whatever its series has become. */
async function imagesOf(database: Database, folder: DataFolder, { id }: Result): Promise<SourceFile[]> {
  const objects = ObjectFolder.at(folder.objects);
  const inputs = listInputs(database, id);
  if (inputs.length === 0)
    throw new RefusedError("inputs-unknown", `result ${id} was made by a release that did not keep which images it was made from`);
  const files = inputs.map(({ sopInstanceUid, sha256 }) => ({ sopInstanceUid, path: objects.path(sha256), sha256 }));
  const isHere = await Promise.all(
    files.map(({ path }) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = isHere.filter((here) => !here).length;
  if (missing > 0)
    throw new RefusedError(
      "images-gone",
      `${missing} of the ${files.length} images of result ${id} are no longer here; it can't be made again`,
    );
  return files;
}

async function modelOf(folder: DataFolder, { modelName, modelVersion }: Result) {
  const { models } = await usableModels([shippedModels, folder.models]);
  const model = models.get(modelName);
  if (!model)
    throw new RefusedError("model-missing", `model ${modelName} is not installed any more; the result was made by version ${modelVersion}`);
  if (model.manifest.version !== modelVersion)
    throw new RefusedError(
      "model-changed",
      `model ${modelName} is version ${model.manifest.version} now; the result was made by ${modelVersion}, install that to make it again`,
    );
  return model;
}

type Comparison = {
  readonly before: InferenceRecord;
  readonly after: InferenceRecord;
  readonly files: readonly SourceFile[];
  /** Paths of the two label maps, that of before first. */
  readonly labels: readonly [string, string];
  readonly manifest: ModelManifest;
};

/** Says whether the two runs agree, how that was found out, and why in this way; the exit code. */
async function compare({ before, after, files, labels, manifest }: Comparison): Promise<number> {
  const differences = differencesOf(before, after);
  const digest = after.trace?.labelMapSha256;
  const isEqual = digest !== undefined && digest === before.trace?.labelMapSha256;
  say(`compared by ${howOf(differences)}`);
  const dice = isEqual ? 1 : await compareStructures(files, labels, manifest);
  const verdict = verdictOf(differences, isEqual, dice);
  switch (verdict) {
    case "equal":
      say(`equal: every voxel of the label map is the same (SHA-256 ${digest})`);
      return 0;
    case "agrees":
      say(`agrees: least Dice ${dice.toFixed(4)}, expected at least ${leastDice}`);
      return 0;
    case "differs":
      say(`does not agree: least Dice ${dice.toFixed(4)}, expected at least ${leastDice}`);
      return 1;
    case "unexplained":
      say("not equal: nothing that decides the voxels has changed, so they should all be the same");
      return 1;
    case "another-model":
      say(
        `not reproduced: the model's files are not those of then, ${isEqual ? "though every voxel is the same" : "so it is another result"}`,
      );
      return 1;
    default:
      return verdict satisfies never;
  }
}

/** Says Dice and volumes of each structure; the least Dice. */
async function compareStructures(
  files: readonly SourceFile[],
  labels: readonly [string, string],
  manifest: ModelManifest,
): Promise<number> {
  const { grid } = await readSourceSeries(files.map(lazily));
  const [before, after] = await Promise.all(labels.map(readLabels));
  const { differingVoxels, labels: structures } = compareLabels(grid, before!, after!);
  for (const { value, dice, volumeMlA, volumeMlB } of structures) {
    const title = manifest.labels.find((label) => label.value === value)?.title ?? `label ${value}`;
    say(`${title}: Dice ${dice.toFixed(4)}, ${volumeMlA.toFixed(1)} ml then, ${volumeMlB.toFixed(1)} ml now`);
  }
  say(`${differingVoxels} ${differingVoxels === 1 ? "voxel differs" : "voxels differ"}`);
  return Math.min(1, ...structures.map(({ dice }) => dice));
}

function readLabels(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RefusedError("label-map-gone", "the result's label map is no longer here, and its digest is not that of the new one");
  });
}

function howOf(differences: readonly RunDifference[] | null): string {
  if (differences === null) return "structure: the release that made the result did not keep what decides its voxels";
  if (differences.length === 0) return "digest: release, engine, precision, processor, model files and settings are those of then";
  return `structure: ${differences.map(({ what, was, is }) => `${what} was ${was}, is ${is}`).join("; ")}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
