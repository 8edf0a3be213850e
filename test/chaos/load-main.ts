/**
 * `npm run load:receive`: 32 associations of 1000 images each. None may be lost or doubled; prints how long answers took beside what is wanted.
 * `-- --associations 8 --images 100 --size 512` for other loads.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { temporaryFolder } from "../peers/folder.ts";
import { receiveUnderLoad } from "./load.ts";

const { values } = parseArgs({
  options: {
    associations: { type: "string", default: "32" },
    images: { type: "string", default: "1000" },
    size: { type: "string", default: "128" },
  },
});
await using folder = await temporaryFolder("load");
const load = { associations: Number(values.associations), imagesEach: Number(values.images), size: Number(values.size) };
const { images, perSecond, storeMs, echoMs, eventLoopMs } = await receiveUnderLoad(folder.path, load);
const line = (what: string, { p50, p99, max }: typeof storeMs, wanted: number): void =>
  void process.stdout.write(
    `${what}: median ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} (wanted: below ${wanted}), most ${max.toFixed(1)} ms\n`,
  );
process.stdout.write(
  `${images} images, ${perSecond.toFixed(0)} a second, all there, none twice; load average ${loadavg()[0]!.toFixed(1)}\n`,
);
line("C-STORE-RSP", storeMs, 500);
line("C-ECHO-RSP", echoMs, 250);
line("event loop", eventLoopMs, 50);
