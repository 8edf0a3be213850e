import { randomNumbers } from "../make/random-u-net.ts";

/** Where a kill comes: at the n-th time that a step is reached (kill-at.ts names them), and who is killed. */
export type KillPlan = {
  readonly point: string;
  readonly nth: number;
  /** all: the power goes; of what was written only what was synchronised is left. */
  readonly victim: "service" | "child" | "all";
};

const jobs = ["close-series", "select", "segment", "encode", "deliver"];
/** What children leave in a result's folder. */
const files = ["volume.i16", "labels.u8", "images.json", "model.json", "seg.dcm", "rtstruct.dcm", "labels.nii.gz", "statistics.json"];

const receivingPoints = [
  "before sync of image",
  "after sync of image",
  "after rename of image",
  "after sync of image's folder",
  "before commit of image",
  "after commit of image",
  "before sync of log",
  "after sync of log",
];
const jobPoints = jobs.flatMap((job) => [`after claim of ${job}`, `before commit of ${job}`, `after commit of ${job}`]);
const sendingPoints = ["before C-STORE", "during C-STORE", "after C-STORE"];
const childPoints = [
  ...["before", "during", "after"].map((when) => `${when} work on segment`),
  ...["before", "after"].map((when) => `${when} work on encode`),
  ...files.flatMap((file) => [`before sync of ${file}`, `before rename of ${file}`, `after rename of ${file}`]),
];

export const killPoints: readonly string[] = [...receivingPoints, ...jobPoints, ...sendingPoints, ...childPoints];

/** The same kills for the same seed. Every point comes up once before any comes up again. */
export function planKills(kills: number, seed: number): KillPlan[] {
  const next = randomNumbers(seed);
  const below = (count: number): number => Math.floor(next() * count);
  const plans: KillPlan[] = [];
  let left: string[] = [];
  while (plans.length < kills) {
    if (left.length === 0) left = [...killPoints];
    const point = left.splice(below(left.length), 1)[0]!;
    const victims = childPoints.includes(point) ? (["service", "child", "all"] as const) : (["service", "all"] as const);
    const nth = 1 + below(receivingPoints.includes(point) ? 12 : point === "during C-STORE" ? 4 : 2);
    plans.push({ point, nth, victim: victims[below(victims.length)]! });
  }
  return plans;
}
