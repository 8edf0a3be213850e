import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "../chaos/faults.ts";
import { killAtSteps } from "../chaos/kill-campaign.ts";
import { killPoints, planKills } from "../chaos/kill-points.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";

// The whole campaign is `npm run chaos`; what is delivered, and that it is delivered once, is judged by test/chaos/verdict.ts.

test("the plan of kills is the same for the same seed, and comes to every step", () => {
  assert.deepEqual(planKills(200, 5), planKills(200, 5));
  assert.notDeepEqual(planKills(200, 5), planKills(200, 6));
  assert.deepEqual(new Set(planKills(killPoints.length, 5).map(({ point }) => point)), new Set(killPoints));
});

test("killed, and its power cut, at named steps: every acknowledged series is delivered once, or set aside with a reason", async () => {
  await using folder = await temporaryFolder("kills-at-steps");
  const { kills, missed, series, delivered, setAside } = await killAtSteps(folder.path, planKills(8, 3), 3);
  assert.equal(kills.service + kills.child + kills.all + missed.length, 8);
  assert.ok(missed.length < 4, `not reached: ${missed.join(", ")}`);
  assert.ok(series >= 8 && series <= 16, `${series} series: two for each kill but those that came before the box was ready`);
  assert.equal(delivered + Object.values(setAside).reduce((sum, count) => sum + count, 0), series);
});

const canMount = (await run("unshare", ["-rm", "true"])).code === 0;
const ownDisk = canMount ? {} : { skip: "this machine lets nobody mount a disk of their own" };

for (const [name, options] of [
  ["disk full", ownDisk],
  ["PACS away for six hours", {}],
  ["clock set by a day", {}],
] as const)
  test(`${name}: every series is delivered once`, options, async () => {
    await using folder = await temporaryFolder("fault");
    const { series, delivered } = await faults[name]!(folder.path, 1);
    assert.ok(series >= 6);
    assert.equal(delivered, series);
  });

test("page of the database overwritten: nothing is started on it, and with the page as it was all is delivered", async () => {
  await using folder = await temporaryFolder("fault");
  assert.equal((await faults["page of the database overwritten"]!(folder.path, 1)).delivered, 3);
});

test("bit of the model flipped: nothing is computed with it, and it is said", async () => {
  await using folder = await temporaryFolder("fault");
  assert.deepEqual((await faults["bit of the model flipped"]!(folder.path, 1)).setAside, { "model-digest": 1 });
});

test("a series whose child is killed three times is set aside with its evidence, and what stands behind it goes on", async () => {
  await using folder = await temporaryFolder("fault");
  assert.deepEqual((await faults["child killed each time"]!(folder.path, 1)).setAside, { fault: 1 });
});
