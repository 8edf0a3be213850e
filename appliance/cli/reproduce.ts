import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { readSourceSeries } from "../dicom/series-to-volume.ts";
import { askChild } from "../host/child-process.ts";
import { usableModels } from "../inference/models.ts";
import { shippedModels } from "../main.ts";
import { type ChildProgress, childEntry, childStallMs, type SegmentReply, type SegmentRequest } from "../pipeline/child-requests.ts";
import { lazily } from "../pipeline/infer-series.ts";
import { resultOfUid } from "../pipeline/provenance.ts";
import { sourceFiles } from "../pipeline/segment.ts";
import { openExistingDatabase } from "../store/database.ts";
import { ObjectFolder } from "../store/objects.ts";
import { getResult } from "../store/results.ts";
import { compareLabels } from "../volume/compare.ts";
import { type Command, required, UsageError } from "./command.ts";

export const reproduce: Command = {
  words: ["reproduce"],
  summary: "run a result again and compare",
  help: `
segbox reproduce UID --data DIR

Runs the segmentation of a result again, from the same images with the model that is installed, and compares: digests where engine, machine and settings
are the same, Dice and volume per structure in any case. Exit code 0 if the label maps are equal, or every Dice is at least 0.99.

  --data DIR  the service's data folder; the service may be running
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
      if (!result.structures)
        throw new RefusedError("result-not-ready", `result ${result.id} is ${result.state}; there is nothing to compare with yet`);
      const files = sourceFiles(database, ObjectFolder.at(folder.objects), result);
      if (!files)
        throw new RefusedError("images-changed", "more images have come since; the result can't be made again from what the series is now");
      const { models } = await usableModels([shippedModels, folder.models]);
      const model = models.get(result.modelName);
      if (!model) throw new RefusedError("model-missing", `model ${result.modelName} is not installed any more`);
      const { labels: dataLabels } = model.manifest;
      const { record } = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
        childEntry,
        {
          kind: "segment",
          files,
          modelFolder: model.folder,
          modelVersion: result.modelVersion,
          outputFolder: work,
          threads: result.record?.trace?.threads ?? availableParallelism(),
        },
        { stallMs: childStallMs, onProgress: (share) => process.stderr.write(`\rinference ${Math.round(share * 100)} %`) },
      );
      process.stderr.write("\n");
      const then = result.record?.trace?.labelMapSha256;
      const now = record.trace?.labelMapSha256;
      if (then !== undefined && then === now) {
        process.stdout.write(`equal: every voxel of the label map is the same (SHA-256 ${now})\n`);
        return 0;
      }
      const { grid } = await readSourceSeries(files.map(lazily));
      const [labelsThen, labelsNow] = await Promise.all([
        readFile(join(folder.result(result.id), "labels.u8")),
        readFile(join(work, "labels.u8")),
      ]);
      const { differingVoxels, labels } = compareLabels(grid, labelsThen, labelsNow);
      for (const { value, dice, volumeMlA, volumeMlB } of labels)
        process.stdout.write(
          `${dataLabels.find((label) => label.value === value)?.title ?? value}: Dice ${dice.toFixed(4)}, ${volumeMlA.toFixed(1)} ml then, ${volumeMlB.toFixed(1)} ml now\n`,
        );
      process.stdout.write(`${differingVoxels} voxels differ\n`);
      return labels.every(({ dice }) => dice >= 0.99) ? 0 : 1;
    } finally {
      database.close();
      await rm(work, { recursive: true, force: true });
    }
  },
};
