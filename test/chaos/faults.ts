import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { faultsOfDatabase } from "../../appliance/store/check-database.ts";
import type { Database } from "../../appliance/store/database.ts";
import { randomNumbers } from "../make/random-u-net.ts";
import { eventually } from "../peers/eventually.ts";
import { freePort } from "../peers/ports.ts";
import { run } from "../peers/process.ts";
import { fakeClock } from "./faked-clock.ts";
import { kill } from "./receiving.ts";
import { named, type ScannedSeries, sendAll } from "./scanner.ts";
import { judge, type Verdict } from "./verdict.ts";
import { finished, readDatabase, setUpWholeBox, startKeepingPacs } from "./whole-box.ts";

/** One thing that goes wrong while series arrive. Each judges the same at its end. */
export type Fault = (folder: string, seed: number) => Promise<Verdict>;

const preload = (file: string): string => `--import ${join(import.meta.dirname, file)}`;

const count = (database: Database, text: string, ...values: unknown[]): number =>
  database.get<{ count: number }>(`select count(*) as count from ${text}`, ...values)!.count;

/** Waits until the number of rows is reached. */
function untilThere(data: string, wanted: number, text: string): Promise<true> {
  return eventually(async () => readDatabase(data, (database) => count(database, text)) >= wanted || undefined, 120_000);
}

/** See disk-full.ts, which runs in a mount namespace of its own, with a small disk that it may fill. */
const diskFull: Fault = async (folder, seed) => {
  const mount = 'mount -t tmpfs -o size=24m tmpfs "$1" && exec "$2" "$3" "$1" "$4"';
  const entry = join(import.meta.dirname, "disk-full.ts");
  const { code, stdout, stderr } = await run("unshare", ["-rm", "sh", "-c", mount, "sh", folder, process.execPath, entry, String(seed)], {
    timeoutMs: 300_000,
  });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Verdict;
};

/** The PACS is away for six hours of the clock while series go on to arrive, then it is back. */
const pacsAway: Fault = async (folder, seed) => {
  const clock = fakeClock(join(folder, "clock"));
  const port = await freePort();
  const box = await setUpWholeBox(folder, port);
  const service = await box.start(clock.env);
  try {
    const sent: ScannedSeries[] = [];
    for (let hour = 0; hour < 6; hour++) {
      clock.set(hour);
      const now = named(`away ${seed}/${hour}`, 1);
      sent.push(...now);
      await sendAll(service, now);
      await untilThere(box.data, hour + 1, "delivery where attempts > 0");
    }
    await using pacs = await startKeepingPacs(port);
    clock.set(6);
    await finished(box.data);
    return await judge(box.data, sent, pacs);
  } finally {
    await service.process.stop();
  }
};

/** The clock is set back and forward by a day while series arrive, are computed and delivered. */
const clockSet: Fault = async (folder, seed) => {
  const clock = fakeClock(join(folder, "clock"));
  await using pacs = await startKeepingPacs();
  const box = await setUpWholeBox(folder, pacs.port);
  const service = await box.start(clock.env);
  try {
    const next = randomNumbers(seed);
    const sent: ScannedSeries[] = [];
    for (const [at, hours] of [0, -24, 0, 24, 0, -24, 24].entries()) {
      const now = named(`clock ${seed}/${at}`, 2);
      sent.push(...now);
      const sending = sendAll(service, now);
      await sleep(next() * 1_500);
      clock.set(hours);
      await sending;
      await sleep(next() * 1_500);
    }
    await finished(box.data);
    return await judge(box.data, sent, pacs);
  } finally {
    await service.process.stop();
  }
};

/** A bit of the network's file flips on the disk: nothing is computed with it. */
const modelFlipped: Fault = async (folder, seed) => {
  await using pacs = await startKeepingPacs();
  const box = await setUpWholeBox(folder, pacs.port);
  const service = await box.start();
  try {
    const network = join(box.data, "models/thresholds/model.onnx");
    const [before, between, after] = ["before", "between", "after"].map((when) => named(`model ${seed} ${when}`, 1));
    await sendAll(service, before!);
    await finished(box.data);
    const sound = readFileSync(network);
    const flipped = Buffer.from(sound);
    const bit = Math.floor(randomNumbers(seed)() * flipped.length * 8);
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    writeFileSync(network, flipped);
    await sendAll(service, between!);
    await finished(box.data);
    writeFileSync(network, sound);
    await sendAll(service, after!);
    await finished(box.data);
    const verdict = await judge(box.data, [...before!, ...between!, ...after!], pacs);
    assert.equal(verdict.delivered, 2);
    return verdict;
  } finally {
    await service.process.stop();
  }
};

/** A page of the database is overwritten on the disk while the power is off: nothing is started on it; with the page as it was, all goes on. */
const pageOverwritten: Fault = async (folder, seed) => {
  const next = randomNumbers(seed);
  await using pacs = await startKeepingPacs();
  const box = await setUpWholeBox(folder, pacs.port);
  const file = join(box.data, "segbox.sqlite");
  const sent = named(`page ${seed}`, 2);
  const first = await box.start();
  await sendAll(first, sent);
  await finished(box.data);
  await kill(first.process);
  const pageBytes = readDatabase(box.data, (database) => {
    database.sql.pragma("wal_checkpoint(truncate)"); // else a page may stand in the log as well, which counts
    return database.sql.pragma("page_size", { simple: true }) as number;
  });
  const sound = readFileSync(file);
  const damaged = Buffer.from(sound);
  do {
    const page = 1 + Math.floor(next() * (sound.length / pageBytes - 1));
    damaged.fill(Math.floor(next() * 256), page * pageBytes, (page + 1) * pageBytes);
    writeFileSync(file, damaged);
  } while (faultsOfDatabase(file).length === 0); // it was one that holds nothing
  await assert.rejects(box.start(), /is damaged, and nothing was started or changed/);
  assert.ok(readFileSync(file).equals(damaged), "the damaged file is left as it was found");
  writeFileSync(file, sound);
  const again = await box.start();
  try {
    const later = named(`page ${seed} later`, 1);
    await sendAll(again, later);
    await finished(box.data);
    return await judge(box.data, [...sent, ...later], pacs);
  } finally {
    await again.process.stop();
  }
};

/** The child of one series dies each time: it is set aside after three tries, with what is known of its end, and what stands behind it goes on. */
function childDies(how: "memory" | "kill"): Fault {
  return async (folder, seed) => {
    await using pacs = await startKeepingPacs();
    const box = await setUpWholeBox(folder, pacs.port);
    const sent = named(`${how} ${seed}`, 3);
    const poison = sent[0]!.images[0]!.sopInstanceUid;
    const service = await box.start({ NODE_OPTIONS: preload("poison.ts"), POISON: poison, POISON_DOES: how });
    try {
      await sendAll(service, sent);
      await finished(box.data);
      const verdict = await judge(box.data, sent, pacs);
      assert.equal(verdict.delivered, 2);
      const kept = readDatabase(box.data, (database) =>
        database.all<{ kind: string; attempt: number; last_error: string }>(
          "select kind, attempt, last_error from job where state = 'failed'",
        ),
      );
      assert.deepEqual(
        kept.map(({ kind, attempt }) => [kind, attempt]),
        [["segment", 3]],
        "the job stays as evidence",
      );
      // What ends for want of memory has many last words; a kill has none
      assert.match(kept[0]!.last_error, how === "kill" ? /child process ended by SIGKILL without an answer/ : /./);
      return verdict;
    } finally {
      await service.process.stop();
    }
  };
}

export const faults: Readonly<Record<string, Fault>> = {
  "disk full": diskFull,
  "PACS away for six hours": pacsAway,
  "clock set by a day": clockSet,
  "page of the database overwritten": pageOverwritten,
  "bit of the model flipped": modelFlipped,
  "child out of memory": childDies("memory"),
  "child killed each time": childDies("kill"),
};
