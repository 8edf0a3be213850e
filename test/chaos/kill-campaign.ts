import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomNumbers } from "../make/random-u-net.ts";
import type { KillPlan } from "./kill-points.ts";
import { compileLostCache, loseCacheOf } from "./lost-cache.ts";
import { ScannedSeries, sendAll } from "./scanner.ts";
import { judge, type Verdict } from "./verdict.ts";
import { finished, setUpWholeBox, startKeepingPacs } from "./whole-box.ts";

const seriesPerRound = 2;
/** A step may not come up for as long as nothing has got so far; then the next round has more behind it. */
const longestRoundMs = 40_000;
const preload = join(import.meta.dirname, "kill-at.ts");

export type KillReport = Verdict & {
  readonly kills: Readonly<Record<KillPlan["victim"], number>>;
  /** Points at which nothing came by in time; the service was killed there all the same, wherever it was. */
  readonly missed: readonly string[];
};

/** Kills at the planned steps while series arrive, starts again on what is left, and judges when all is settled. */
export async function killAtSteps(
  folder: string,
  plans: readonly KillPlan[],
  seed: number,
  say: (line: string) => void = () => {},
): Promise<KillReport> {
  await using pacs = await startKeepingPacs();
  const box = await setUpWholeBox(folder, pacs.port);
  const shim = await compileLostCache(folder);
  const next = randomNumbers(seed + 1);
  const marker = join(folder, "reached");
  const hit = `${marker}.hit`;
  const sent: ScannedSeries[] = [];
  const counts = { service: 0, child: 0, all: 0 };
  const missed: string[] = [];
  await (await box.start()).process.stop();
  for (const [index, plan] of plans.entries()) {
    for (const file of [marker, hit]) await rm(file, { force: true });
    const disk = plan.victim === "all" ? loseCacheOf(box.data, join(folder, "mirror"), shim) : null;
    const { process, dicomPort } = await box
      .start({
        ...disk?.env,
        NODE_OPTIONS: `--import ${preload}`,
        KILL_AT: JSON.stringify({ ...plan, marker, pacsPort: pacs.port }),
      })
      .catch((error: unknown) => {
        if (existsSync(hit)) return { process: null, dicomPort: 0 }; // work was left, and it was killed before it was ready
        throw error;
      });
    if (process) {
      sent.push(...Array.from({ length: seriesPerRound }, (_, at) => new ScannedSeries(`chaos ${seed}/${index}/${at}`)));
      const sending = sent.filter(({ isAcknowledged }) => !isAcknowledged).map((series) => series.send(dicomPort, next() < 0.3));
      const isOver = new AbortController();
      const isHit = watch(hit, isOver.signal);
      await Promise.race([process.exited, isHit, sleep(longestRoundMs, undefined, { signal: isOver.signal }).catch(() => {})]);
      isOver.abort();
      if (plan.victim === "child" && existsSync(hit)) await process.stop(10_000);
      else if (process.isRunning) {
        if (!existsSync(hit)) missed.push(plan.point);
        process.kill("SIGKILL");
      }
      await process.exited;
      await process.stop(); // and the children it had
      await Promise.all(sending);
    }
    disk?.cutPower();
    if (existsSync(hit)) counts[plan.victim]++;
    const { point, nth, victim } = plan;
    say(
      `${index + 1}. ${existsSync(hit) ? "killed" : "not reached"}: ${victim === "all" ? "power cut" : victim} ${point}, time ${nth}; ${sent.filter(({ isAcknowledged }) => isAcknowledged).length} of ${sent.length} series acknowledged`,
    );
  }
  const last = await box.start();
  await sendAll(last, sent);
  await finished(box.data);
  await last.process.stop(10_000);
  return { ...(await judge(box.data, sent, pacs)), kills: counts, missed };
}

async function watch(file: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(file) && !signal.aborted) await sleep(20);
}
