import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compileLostCache, loseCacheOf } from "./lost-cache.ts";
import { type Acknowledged, assertKept, kill, type Sent, sendUntilItEnds, startReceiver } from "./receiving.ts";

const associations = 4;
/** From the first image on; long enough for a checkpoint of the database in some rounds. */
const longestMs = 1_500;
const checkedEvery = 10;

/** Four associations send until the service is killed, at a moment that chance chooses. */
async function sendUntilKilled({ process, dicomPort }: Awaited<ReturnType<typeof startReceiver>>, name: string): Promise<Sent> {
  const sent: Sent = { acknowledged: [], refused: new Map() };
  const sending = Array.from({ length: associations }, (_, sender) => sendUntilItEnds(dicomPort, `${name}/${sender}`, sent));
  await sleep(20 + Math.random() * longestMs);
  await kill(process);
  await Promise.all(sending);
  return sent;
}

/** Kills and restarts one service over and over; how many images were acknowledged. Fails where one of them is missing afterwards. */
export async function killWhileReceiving(folder: string, kills: number, say: (line: string) => void = () => {}): Promise<number> {
  const data = join(folder, "killed");
  const acknowledged: Acknowledged[] = [];
  for (let round = 1; round <= kills; round++) {
    const { acknowledged: now } = await sendUntilKilled(await startReceiver(data), `killed ${round}`);
    acknowledged.push(...now);
    if (round % checkedEvery === 0 || round === kills) await assertKept(data, acknowledged);
    say(`kill ${round}: ${now.length} acknowledged`);
  }
  return acknowledged.length;
}

/** As {@link killWhileReceiving}, each time on a new data folder of which only what was synchronised survives. */
export async function cutPowerWhileReceiving(folder: string, cuts: number, say: (line: string) => void = () => {}): Promise<number> {
  if (cuts === 0) return 0;
  const shim = await compileLostCache(folder);
  const base = join(folder, "base");
  await (await startReceiver(base)).process.stop();
  let acknowledged = 0;
  for (let round = 1; round <= cuts; round++) {
    const data = join(folder, "cut");
    rmSync(data, { recursive: true, force: true });
    cpSync(base, data, { recursive: true });
    const disk = loseCacheOf(data, join(folder, "mirror"), shim);
    const { acknowledged: now } = await sendUntilKilled(await startReceiver(data, disk.env), `cut ${round}`);
    disk.cutPower();
    await assertKept(data, now);
    acknowledged += now.length;
    say(`power cut ${round}: ${now.length} acknowledged`);
  }
  return acknowledged;
}
