/**
 * `node disk-full.ts FOLDER SEED`, in a mount namespace where FOLDER is a small disk: it fills up to its last byte again and again, in the midst
 * of whatever is being written. Prints the verdict as JSON.
 */
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomNumbers } from "../make/random-u-net.ts";
import { named, sendAll } from "./scanner.ts";
import { judge } from "./verdict.ts";
import { finished, setUpWholeBox, startKeepingPacs } from "./whole-box.ts";

const [, , folder = "", seed = "1"] = process.argv;
const next = randomNumbers(Number(seed));
const ballast = join(folder, "ballast");
await using pacs = await startKeepingPacs();
const box = await setUpWholeBox(folder, pacs.port);
const service = await box.start();
try {
  const sent = named(`disk ${seed}`, 6);
  const sending = sendAll(service, sent);
  for (let time = 0; time < 6; time++) {
    await sleep(300 + next() * 1_500);
    const { bavail, bsize } = await statfs(folder);
    const left = Math.floor(next() ** 2 * 400_000);
    await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left))).catch(() => {}); // as much as there is room for
    await sleep(500 + next() * 1_000);
    await rm(ballast);
  }
  await sending;
  await finished(box.data);
  process.stdout.write(JSON.stringify(await judge(box.data, sent, pacs)));
} finally {
  await service.process.stop();
}
