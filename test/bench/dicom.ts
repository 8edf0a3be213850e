/**
 * `npm run bench:dicom`: how fast images are received and sent, beside dcmtk and Orthanc on the same machine in the same run. 1000 images of
 * 512 x 512 x 16 bit by storescu over 1 and 4 associations; each receiver in turn, five rounds, medians. Prints a table; judges nothing, since
 * what a machine is busy with beside it counts too. `-- --count 100 --rounds 1` for a quick look.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openAssociation } from "../../appliance/dimse/association.ts";
import { echoOn } from "../../appliance/dimse/echo.ts";
import { startReceiver } from "../chaos/receiving.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { startOrthanc } from "../peers/orthanc.ts";
import { freePort } from "../peers/ports.ts";
import { type RunningProcess, run, start } from "../peers/process.ts";
import { writeImages, writeMultiFrame } from "./dicom-images.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
  },
});
const [count, rounds] = [Number(values.count), Number(values.rounds)];
const mostSenders = 4;

await using folder = await temporaryFolder("bench-dicom");
const images = writeImages(join(folder.path, "images"), count, mostSenders);
const imageBytes = readFileSync(join(images[0]!, "000000.dcm")).length;

/** As `npm run segbox` has it: without the cache Node keeps 25 MB for what it translates our files with, without the flag a young generation of 16 MB. */
const compiled = { NODE_COMPILE_CACHE: join(folder.path, "compiled"), NODE_OPTIONS: "--max-semi-space-size=1" };

type Receiver = {
  readonly port: number;
  readonly aeTitle: string;
  readonly process: RunningProcess;
  readonly stop: () => Promise<unknown>;
};
/** `cpuMs`: of the receiver, for each image. */
type Measured = { readonly perSecond: number; readonly peakMb: number; readonly cpuMs?: number };

/** The highest resident memory of a process so far. */
const peakMb = ({ pid }: RunningProcess): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1000;

/** Processor time of a process and of those that it has waited for, ms. */
function cpuMs({ pid }: RunningProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

/** The bare loop, fed over a socket. */
async function startBare(...options: string[]): Promise<Receiver> {
  const running = start(process.execPath, [join(import.meta.dirname, "bare-scp.ts"), emptied("bare-scp"), ...options]);
  const [, port] = await running.waitForLine(/^port (\d+)$/, 20_000);
  return { port: Number(port), aeTitle: "BARE", process: running, stop: () => running.stop() };
}

async function startOurs(durable: boolean): Promise<Receiver> {
  const { process: running, dicomPort } = await startReceiver(emptied("data"), compiled, { dicom: { durable } });
  return { port: dicomPort, aeTitle: "SEGBOX", process: running, stop: () => running.stop() };
}

/** Writes what comes as it comes; `--ignore` keeps nothing. */
async function startDcmtk(...options: string[]): Promise<Receiver> {
  const port = await freePort();
  const running = start("storescp", ["--fork", "+B", "-dhl", "+xa", "-od", emptied("storescp"), ...options, String(port)]);
  await running.waitForPort(port);
  return { port, aeTitle: "STORESCP", process: running, stop: () => running.stop() };
}

async function startPacs(): Promise<Receiver> {
  const orthanc = await startOrthanc({ settings: { SyncStorageArea: true }, isVerbose: false });
  return { port: orthanc.dicomPort, aeTitle: orthanc.aeTitle, process: orthanc.process, stop: () => orthanc.stop() };
}

function emptied(name: string): string {
  const path = join(folder.path, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

type Sender = "storescu" | "Segbox";

/** Sends all images by as many senders at once. storescu's start, 20 ms, counts; Node's does not. */
async function receive(receiver: Receiver, senders: number, by: Sender): Promise<Measured> {
  const shares = Array.from({ length: senders }, (_, sender) => images.filter((_, index) => index % senders === sender));
  const before = cpuMs(receiver.process);
  const seconds = by === "storescu" ? await sendByDcmtk(receiver, shares) : await sendByOurs(receiver, shares);
  return { perSecond: count / seconds, peakMb: peakMb(receiver.process), cpuMs: (cpuMs(receiver.process) - before) / count };
}

async function sendByDcmtk({ port, aeTitle }: Receiver, shares: readonly (readonly string[])[]): Promise<number> {
  const began = performance.now();
  const sent = await Promise.all(
    shares.map((folders) => run("storescu", ["-R", "+sd", "-aec", aeTitle, "127.0.0.1", String(port), ...folders], { timeoutMs: 600_000 })),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const { code, stderr } of sent) assert.equal(code, 0, stderr);
  return seconds;
}

async function sendByOurs({ port, aeTitle }: Receiver, shares: readonly (readonly string[])[]): Promise<number> {
  const senders = shares.map((folders) =>
    spawn(process.execPath, [join(import.meta.dirname, "send.ts"), String(port), aeTitle, ...folders], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  await Promise.all(senders.map(({ stdout }) => once(stdout, "data")));
  const began = performance.now();
  const ended = senders.map((sender) => once(sender, "exit"));
  for (const { stdin } of senders) stdin.write("go\n");
  for (const [code] of await Promise.all(ended)) assert.equal(code, 0);
  return (performance.now() - began) / 1000;
}

async function receiveWith(startIt: () => Promise<Receiver>, senders: number, by: Sender = "storescu"): Promise<Measured> {
  const receiver = await startIt();
  try {
    return await receive(receiver, senders, by);
  } finally {
    await receiver.stop();
  }
}

async function bare(writers: number): Promise<Measured> {
  const args = [join(import.meta.dirname, "bare-loop.ts"), emptied("bare"), String(writers), String(count), String(imageBytes)];
  const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 600_000 });
  assert.equal(code, 0, stderr);
  return { perSecond: count / Number(stdout), peakMb: Number.NaN };
}

async function echoes(): Promise<Measured> {
  const receiver = await startOurs(true);
  try {
    const node = { name: "box", aeTitle: receiver.aeTitle, host: "127.0.0.1", port: receiver.port };
    const wanted = { abstractSyntax: "1.2.840.10008.1.1", transferSyntaxes: ["1.2.840.10008.1.2"] };
    const association = await openAssociation(node, "BENCH", [wanted]);
    const began = performance.now();
    for (let echo = 0; echo < 4000; echo++) await echoOn(association, node);
    const perSecond = (4000 / (performance.now() - began)) * 1000;
    await association.release();
    return { perSecond, peakMb: peakMb(receiver.process) };
  } finally {
    await receiver.stop();
  }
}

async function gigabyte(): Promise<Measured> {
  const path = join(folder.path, "multi-frame.dcm");
  writeMultiFrame(path);
  const receiver = await startOurs(true);
  try {
    const began = performance.now();
    const { code, stderr } = await run("storescu", ["-R", "-aec", "SEGBOX", "127.0.0.1", String(receiver.port), path], {
      timeoutMs: 600_000,
    });
    assert.equal(code, 0, stderr);
    return { perSecond: 1000 / (performance.now() - began), peakMb: peakMb(receiver.process) };
  } finally {
    await receiver.stop();
    rmSync(path);
  }
}

const measures: readonly (readonly [name: string, measure: () => Promise<Measured>])[] = [
  ...[1, 4].flatMap((senders) => {
    const name = (what: string) => `${senders} ${senders === 1 ? "association " : "associations"}: ${what}`;
    return [
      [name("bare loop, fsync"), () => bare(senders)],
      [name("bare loop, fsync, fed by storescu"), () => receiveWith(() => startBare(), senders)],
      [name("Segbox, fsync"), () => receiveWith(() => startOurs(true), senders)],
      [name("Segbox, fsync, sent by Segbox"), () => receiveWith(() => startOurs(true), senders, "Segbox")],
      [name("Segbox, no fsync"), () => receiveWith(() => startOurs(false), senders)],
      [name("bare loop, no fsync, fed by storescu"), () => receiveWith(() => startBare("--no-sync"), senders)],
      [name("storescp --fork"), () => receiveWith(() => startDcmtk(), senders)],
      [name("Orthanc"), () => receiveWith(startPacs, senders)],
    ] as const;
  }),
  ["sending: Segbox to storescp --ignore", () => receiveWith(() => startDcmtk("--ignore"), 1, "Segbox")],
  ["sending: storescu to storescp --ignore", () => receiveWith(() => startDcmtk("--ignore"), 1)],
  ["C-ECHO on one association", echoes],
  ["one object of 1 GB: Segbox, fsync", gigabyte],
];

await (await startOurs(true)).stop(); // fills the cache
const chosen = measures.filter(([name]) => name.includes(values.only));
const found = new Map<string, Measured[]>(chosen.map(([name]) => [name, []]));
for (let round = 1; round <= rounds; round++)
  for (const [name, measure] of chosen) {
    const measured = await measure();
    found.get(name)!.push(measured);
    process.stderr.write(`round ${round}  ${name.padEnd(44)} ${measured.perSecond.toFixed(1)}/s  load ${loadavg()[0]!.toFixed(1)}\n`);
  }

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
process.stdout.write(
  `\n${count} images of ${imageBytes} bytes, medians of ${rounds}; ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}\n\n`,
);
process.stdout.write(
  `| what | per second, median | least to most | receiver's processor, ms an image | peak MB |\n| --- | --- | --- | --- | --- |\n`,
);
for (const [name, all] of found) {
  const rates = all.map(({ perSecond }) => perSecond);
  const peaks = all.map(({ peakMb }) => peakMb).filter((mb) => !Number.isNaN(mb));
  const cpu = all.flatMap(({ cpuMs }) => cpuMs ?? []);
  const range = `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}`;
  process.stdout.write(
    `| ${name} | ${median([...rates]).toFixed(1)} | ${range} | ${cpu.length > 0 ? median(cpu).toFixed(2) : ""} | ${peaks.length > 0 ? Math.max(...peaks).toFixed(0) : ""} |\n`,
  );
}
