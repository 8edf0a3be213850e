import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { parseDicomSettings } from "../config/dicom-settings.ts";
import { parseRetentionSettings } from "../config/retention-settings.ts";
import type { Kept, Removal } from "../domain/retention.ts";
import { Retention, settleSeries } from "../pipeline/retention.ts";
import { FreeSpace } from "../store/free-space.ts";
import { getSetting } from "../store/settings.ts";
import { type Command, UsageError } from "./command.ts";
import { type Files, withFiles } from "./with-files.ts";

export const retentionPlan: Command = {
  words: ["retention", "plan"],
  summary: "show what would be deleted now, and what stays",
  help: `
segbox retention plan --data DIR [--all] [--json]

Lists what is over age by the site file's \`retention\`, or is in the way where the disk is low, in the order in which it would be deleted; and what stays
though its time is over, with the reason. Deletes nothing.

  --data DIR  the service's data folder; the service may be running
  --all       what \`segbox retention run --all\` would delete
  --json      the whole plan as JSON
`,
  options: { data: { type: "string" }, all: { type: "boolean" }, json: { type: "boolean" } },
  positionals: 0,
  run: (args) =>
    withFiles(args, async (files) => {
      const plan = (await retentionOf(files).plan())[args.values.all ? "ordered" : "usual"];
      if (args.values.json) process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
      else {
        for (const removal of plan.removals) process.stdout.write(`${describeRemoval(removal)}\n`);
        for (const kept of plan.kept) process.stdout.write(`${describeKept(kept)}\n`);
        process.stdout.write(`${plan.removals.length} to delete, ${megabytes(plan.bytes)}; ${plan.kept.length} series stay\n`);
      }
      return 0;
    }),
};

export const retentionRun: Command = {
  words: ["retention", "run"],
  summary: "delete what may go, now",
  help: `
segbox retention run --data DIR [--all]

Deletes what \`segbox retention plan\` lists, as the service does every night at 3 and when the disk is low. What is not delivered, or not committed where
that was asked for, stays in any case. How deleted results were made is kept: \`segbox explain\` still tells.

  --data DIR  the service's data folder; the service may be running
  --all       everything that may go, whatever its age: when the disk is full and more has to come
`,
  options: { data: { type: "string" }, all: { type: "boolean" } },
  positionals: 0,
  run: (args) =>
    withFiles(args, async (files) => {
      const { series, images, results, bytes, kept } = await retentionOf(files).run({
        actor: "console",
        isOrdered: args.values.all === true,
      });
      const isDone = await files.filesRemoved();
      process.stdout.write(
        `deleted from ${series} series: ${images} images, ${results} results, ${megabytes(bytes)}; ${kept} series stay\n`,
      );
      if (!isDone) process.stdout.write("the service goes on deleting their files\n");
      return 0;
    }),
};

export const retentionSettle: Command = {
  words: ["retention", "settle"],
  summary: "say that nothing more is to be done about what failed of a series",
  help: `
segbox retention settle SERIES --data DIR

A failed result or delivery, and a result that went nowhere, stays for ever, until somebody says that it may go with its time. Failed deliveries are
called back. SERIES is the number that \`segbox retention plan\` and the page's address show.

  --data DIR  the service's data folder; the service may be running
`,
  options: { data: { type: "string" } },
  positionals: 1,
  run: (args) =>
    withFiles(args, async ({ database }) => {
      const [series = ""] = args.positionals;
      if (!/^[1-9]\d{0,14}$/.test(series)) throw new UsageError("SERIES is required: its number");
      settleSeries(database, Number(series), { actor: "console", at: systemClock.now() });
      process.stdout.write(`series ${series} is settled\n`);
      return 0;
    }),
};

function retentionOf({ database, folder, objects }: Files): Retention {
  const { minimumFreeMegabytes } = parseDicomSettings(getSetting(database, "dicom")).limits;
  const space = new FreeSpace(folder.root, 0, () => {});
  return new Retention({
    database,
    objects,
    resultFolder: folder.result,
    settings: parseRetentionSettings(getSetting(database, "retention"), minimumFreeMegabytes),
    freeBytes: async () => (await space.read()).freeBytes,
    clock: systemClock,
    log: createLog((line) => process.stderr.write(line), systemClock.now, "warn"),
    seriesChanged: () => {}, // the service looks at the database
  });
}

function describeRemoval({ seriesId, what, cause, since, images, results, bytes }: Removal): string {
  const parts = [images > 0 ? `${images} images` : "", results > 0 ? `${results} results` : ""].filter(Boolean).join(", ");
  return `delete  series ${seriesId}  ${what}  ${parts || "nothing but rows"}  ${megabytes(bytes)}  ${cause}  last event ${new Date(since).toISOString()}`;
}

function describeKept({ seriesId, reason, bytes }: Kept): string {
  return `stays   series ${seriesId}  ${megabytes(bytes)}  ${reason.code}: ${reason.message}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
