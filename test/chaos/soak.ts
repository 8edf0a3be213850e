/**
 * `npm run soak`: sends series through the box, one study after the other, and reports whether what the service holds grows: memory, descriptors,
 * database. `-- --series 500`; the first fifth is for warming up. Fails where a series is not delivered once, or a descriptor stays open.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { named, sendAll } from "./scanner.ts";
import { judge } from "./verdict.ts";
import { finished, readDatabase, setUpWholeBox, startKeepingPacs } from "./whole-box.ts";

/** That many wait for the box at a time, so that it is never idle. */
const outstanding = 8;
const sampleEveryMs = 10_000;

type Sample = {
  readonly hours: number;
  readonly series: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly descriptors: number;
};

const { values } = parseArgs({ options: { series: { type: "string", default: "500" } } });
const wanted = Number(values.series);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
await using folder = await temporaryFolder("soak");
await using pacs = await startKeepingPacs();
const box = await setUpWholeBox(folder.path, pacs.port);
const heapFile = join(folder.path, "heap");
const service = await box.start({ NODE_OPTIONS: `--import ${join(import.meta.dirname, "heap.ts")}`, HEAP: heapFile });
const { pid } = service.process;
const sent = named("soak", wanted);
const samples: Sample[] = [];
const began = performance.now();
let isOver = false;

async function look(): Promise<Sample> {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  await rm(heapFile, { force: true });
  service.process.kill("SIGUSR2");
  const heapBytes = await eventually(async () => (existsSync(heapFile) ? Number(readFileSync(heapFile, "utf8")) : undefined), 60_000);
  return {
    hours: (performance.now() - began) / 3_600_000,
    series: doneSoFar(),
    residentMb: Number(kilobytes) / 1024,
    heapMb: heapBytes / 1024 ** 2,
    descriptors: openFiles().length,
  };
}

/** What the service has open, but the folders of received images: each of those 256 stays open from its first image on. */
function openFiles(): string[] {
  const paths = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
  return paths.filter((path) => !/\/objects\/[0-9a-f]{2}$/.test(path));
}

function doneSoFar(): number {
  return readDatabase(box.data, (database) => {
    const done =
      "select count(*) as n from result where not exists (select 1 from delivery where result_id = result.id and state <> 'delivered')";
    return database.get<{ n: number }>(`${done} and state = 'ready'`)!.n;
  });
}

/** Least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x0 = mean(points.map(([x]) => x));
  const y0 = mean(points.map(([, y]) => y));
  const over = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return over / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}

const sampling = (async () => {
  for (; !isOver; await sleep(sampleEveryMs)) {
    const sample = await look();
    samples.push(sample);
    if (samples.length % 6 === 0)
      say(
        `${sample.series} series, ${sample.residentMb.toFixed(0)} MB (heap ${sample.heapMb.toFixed(1)}), ${sample.descriptors} descriptors`,
      );
  }
})();
for (const series of sent) {
  while (sent.filter(({ isAcknowledged }) => isAcknowledged).length - doneSoFar() >= outstanding) await sleep(500);
  await sendAll(service, [series], 300_000);
}
await finished(box.data);
await sleep(2 * sampleEveryMs); // what a last job held is let go
isOver = true;
await sampling;
const last = await look();
const databaseBytes = (): number =>
  ["", "-wal"]
    .map((end) => join(box.data, `segbox.sqlite${end}`))
    .reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0);
const withLog = databaseBytes();
const { setAside, ...verdict } = await judge(box.data, sent, pacs);
await service.process.stop(20_000);
const compact = join(folder.path, "compact.sqlite");
readDatabase(box.data, (database) => database.sql.exec(`vacuum into '${compact}'`));
const warm = samples.filter(({ series }) => series >= wanted / 5);
const minutes = ((performance.now() - began) / 60_000).toFixed(0);
say(
  `${wanted} series in ${minutes} min: ${verdict.delivered} delivered, set aside: ${JSON.stringify(setAside)}; ${verdict.objects} objects at the PACS`,
);
say(
  `memory: ${warm[0]!.residentMb.toFixed(0)} MB after ${warm[0]!.series} series, ${last.residentMb.toFixed(0)} MB at the end; slope ${slope(warm.map(({ hours, residentMb }) => [hours, residentMb])).toFixed(1)} MB/h, ${(slope(warm.map(({ series, residentMb }) => [series, residentMb])) * 1024).toFixed(1)} kB a series`,
);
say(
  `of it the heap after a collection: ${warm[0]!.heapMb.toFixed(1)} MB and ${last.heapMb.toFixed(1)} MB; slope ${(slope(warm.map(({ series, heapMb }) => [series, heapMb])) * 1024).toFixed(1)} kB a series`,
);
say(`descriptors: ${warm[0]!.descriptors} after the first fifth, ${last.descriptors} at the end`);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
say(
  `database: ${megabytes(databaseBytes())} MB (${megabytes(withLog)} with its log while it ran), ${megabytes(statSync(compact).size)} MB of it in use, ${(statSync(compact).size / wanted / 1000).toFixed(1)} kB a series`,
);
assert.equal(verdict.delivered, wanted);
