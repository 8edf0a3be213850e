/** Loaded into the service (`--import`): on SIGUSR2 writes how long its event loop was held up since it started, ms, to the file that EVENT_LOOP_DELAY names. */
import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const file = process.env.EVENT_LOOP_DELAY;
const histogram = monitorEventLoopDelay({ resolution: 5 });
histogram.enable();
if (file)
  process.on("SIGUSR2", () => {
    const ms = (percentile: number) => histogram.percentile(percentile) / 1e6;
    writeFileSync(`${file}.part`, JSON.stringify({ p50: ms(50), p99: ms(99), max: histogram.max / 1e6 }));
    renameSync(`${file}.part`, file);
    histogram.reset();
  });
