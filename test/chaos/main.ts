/**
 * `npm run chaos`: kills the service or a child at named steps, and cuts the power there, while series arrive; then other faults, one by one.
 * `-- --seed 7 --rounds 20` for another plan or a shorter one; the same seed gives the same kills.
 * `-- --skip 80 --rounds 100`: only the last 20 of the plan. `-- --only kills`, or the name of a fault, for one of them.
 */
import { parseArgs } from "node:util";
import { temporaryFolder } from "../peers/folder.ts";
import { faults } from "./faults.ts";
import { killAtSteps } from "./kill-campaign.ts";
import { planKills } from "./kill-points.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "100" },
    skip: { type: "string", default: "0" },
    only: { type: "string" },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const isWanted = (name: string): boolean => values.only === undefined || values.only === name;
if (isWanted("kills")) {
  await using folder = await temporaryFolder("chaos");
  const plans = planKills(Number(values.rounds), seed).slice(Number(values.skip));
  say(`kills: ${JSON.stringify(await killAtSteps(folder.path, plans, seed, say))}`);
}
for (const [name, fault] of Object.entries(faults)) {
  if (!isWanted(name)) continue;
  await using folder = await temporaryFolder("chaos");
  say(`${name}: ${JSON.stringify(await fault(folder.path, seed))}`);
}
