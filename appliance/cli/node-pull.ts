import { systemClock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { parseUid } from "../domain/ids.ts";
import { addPullOf } from "../pipeline/ask-node.ts";
import { addAudit } from "../store/audit.ts";
import { lockFolder } from "../store/database.ts";
import { getPull } from "../store/pulls.ts";
import { type Command, optional, UsageError } from "./command.ts";
import { withNode } from "./with-node.ts";

const lookEveryMs = 300;

export const nodePull: Command = {
  words: ["node", "pull"],
  summary: "fetch a study or a series from a DICOM node (C-GET, C-MOVE)",
  help: `
segbox node pull NAME STUDY_UID --data DIR [--series UID]

Has the running service fetch a study, or one series of it, and waits until the node has sent all that it can. By C-GET where the node offers it, else
by C-MOVE, for which it has to know this box. What comes is treated as if the node had sent it by itself.

  --series UID  only this series
  --data DIR    the service's data folder
`,
  options: { data: { type: "string" }, series: { type: "string" } },
  positionals: 2,
  run: (args) =>
    withNode(args, async ({ database, folder, name }) => {
      const [, study] = args.positionals;
      if (study === undefined) throw new UsageError("STUDY_UID is required: `segbox node find` lists them");
      const series = optional(args, "series");
      const wanted = { studyInstanceUid: parseUid(study), seriesInstanceUid: series === undefined ? null : parseUid(series) };
      const now = systemClock.now();
      const id = database.transaction(() => {
        const pull = addPullOf(database, name, wanted, "console", now);
        addAudit(database, { at: now, actor: "console", action: "pull-asked", object: `node:${name}`, detail: { pull } });
        return pull;
      });
      if (!isRunning(folder.lock)) {
        process.stdout.write("the service does not run just now: it fetches at its next start\n");
        return 0;
      }
      for (let said = ""; ; await systemClock.sleep(lookEveryMs)) {
        const pull = getPull(database, id)!;
        const { state, completed, failed, reason } = pull;
        if (state === "failed") throw new RefusedError(reason?.code ?? "pull-failed", reason?.message ?? "it could not be fetched");
        if (state === "done") {
          process.stdout.write(
            `${completed} images came from ${name} by ${pull.service ?? "wado-rs"}${failed > 0 ? `, ${failed} could not be sent` : ""}\n`,
          );
          return failed > 0 ? 1 : 0;
        }
        if (reason && reason.message !== said) process.stderr.write(`tried again: ${reason.message}\n`);
        said = reason?.message ?? "";
      }
    }),
};

/** Whether a service holds the data folder. */
function isRunning(lock: string): boolean {
  try {
    lockFolder(lock).close();
    return false;
  } catch (error) {
    if (error instanceof UnavailableError) return true;
    throw error;
  }
}
