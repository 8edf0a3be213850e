import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "../api/paths.ts";
import type { ResultDetail, SeriesDetail, SeriesSummary } from "../api/series.ts";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { parseSiteFile } from "../config/site-file.ts";
import { readInstanceHeader } from "../dicom/instance-header.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { sopClass } from "../dicom/sop-classes.ts";
import { storeFiles } from "../dimse/scu.ts";
import { hashPassword } from "../host/password.ts";
import { lockFolder, openDatabase } from "../store/database.ts";
import { addUser } from "../store/users.ts";
import { type Command, optional } from "./command.ts";
import { type DemoPacs, startDemoPacs } from "./demo-pacs.ts";
import { type DemoService, startDemoService } from "./demo-service.ts";
import { structureTable } from "./structure-table.ts";

const exampleInput = join(import.meta.dirname, "../../test/data/example-ct");
const exampleSite = join(import.meta.dirname, "../../provisioning/example.yaml");
/** Longest wait without any change before the demo gives up. */
const stallMs = 10 * 60_000;

export const demo: Command = {
  words: ["demo"],
  summary: "the whole way on this machine: scanner, Segbox, PACS",
  help: `
segbox demo [--input DIR] [--data DIR] [--exit]

Starts the service on a data folder of its own, sends it a CT series over DICOM as a scanner would, receives SEG and RTSTRUCT on a DICOM node
standing in for the PACS, and prints what was found. The service goes on until Ctrl-C. Everything stays on loopback.

  --input DIR  your own CT series; default: the example that comes with Segbox
  --data DIR   data folder; must be new or empty; default .segbox-demo, begun anew each time
  --exit       stop after the table; exit code 0 only if all of it happened
`,
  options: { input: { type: "string" }, data: { type: "string" }, exit: { type: "boolean" } },
  positionals: 0,
  async run(args) {
    const quit = (): void => process.exit(130); // its exit takes the service along
    process.on("SIGINT", quit).on("SIGTERM", quit);
    const folder = await newDataFolder(optional(args, "data"));
    const files = await readFiles(optional(args, "input") ?? exampleInput);
    await using pacs = await startDemoPacs(join(folder, "pacs"));
    const siteFile = join(folder, "site.yaml");
    const site = await writeSiteFile(siteFile, pacs.port);
    const password = randomBytes(12).toString("base64url");
    await addDemoUser(folder, password);
    await using service = await startDemoService(folder, siteFile);
    say(`Segbox listens for DICOM as ${site.dicom.aeTitle} on 127.0.0.1:${service.dicomPort}`);
    await send(files, site.dicom.aeTitle, service.dicomPort);
    const detail = await watch(service, password);
    const result = await checkResult(detail, pacs);
    say(`\n${structureTable({ labels: result.structures ?? [] }, result.structures ?? [])}`);
    const record = result.record;
    if (record)
      say(
        `Job: ${(record.wallMs / 1000).toFixed(1)} s wall time, ${record.patches} patches in ${(record.inferenceMs / 1000).toFixed(1)} s on ${record.provider} ${record.precision}, peak memory ${Math.round(record.peakMemoryBytes / 1e6)} MB`,
      );
    for (const note of record?.notes ?? []) say(`Note: ${note}`);
    say(`Result files: ${join(folder, "results", String(result.id))}; what the PACS stand-in received: ${pacs.folder}`);
    say(`Web page: ${service.url} (name demo, password ${password}; made for this run only)`);
    say("Not a medical device. Not for diagnosis.");
    if (args.values.exit) return 0;
    say("The service goes on; end it with Ctrl-C.");
    process.off("SIGINT", quit).off("SIGTERM", quit);
    await new Promise<void>((end) => {
      process.once("SIGINT", end);
      process.once("SIGTERM", end);
    });
    return 0;
  },
};

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function newDataFolder(given: string | undefined): Promise<string> {
  const folder = resolve(given ?? ".segbox-demo");
  if (given === undefined && existsSync(folder)) {
    lockFolder(dataFolder(folder).lock).close(); // refused while another demo runs on it
    await rm(folder, { recursive: true, force: true });
  } else if (existsSync(folder) && (await readdir(folder)).length > 0)
    throw new RefusedError("data-folder-not-empty", `${folder} is not empty; name a new folder, so that nothing of yours is touched`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function writeSiteFile(path: string, pacsPort: number): Promise<ReturnType<typeof parseSiteFile>> {
  const site = parseSiteFile(await readFile(exampleSite, "utf8"));
  const own = {
    ...site,
    dicom: { ...site.dicom, port: 0, quietSeconds: 2 },
    http: { ...site.http, port: 0, tls: "off" as const },
    nodes: site.nodes.map((node) => (node.name === "pacs" ? { ...node, port: pacsPort } : node)),
  };
  await writeFile(path, JSON.stringify(own, null, 2)); // JSON is YAML
  return own;
}

async function addDemoUser(folder: string, password: string): Promise<void> {
  const now = systemClock.now();
  const passwordHash = await hashPassword(password);
  const database = await openDatabase(dataFolder(folder).database, now);
  addUser(database, { name: "demo", role: "admin", passwordHash, createdAt: now });
  database.close();
}

type SourceFile = { readonly path: string } & ReturnType<typeof readFileMeta>;

/** The images of the one CT series in a folder; what else lies there is named and left out. */
async function readFiles(folder: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new RefusedError("input-unreadable", `can't read the input: ${plainly(error)}`, { cause: error });
  });
  const files: (SourceFile & { readonly seriesInstanceUid: string })[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    try {
      const bytes = await readFile(path);
      const { modality, rows, seriesInstanceUid } = readInstanceHeader(bytes);
      if (modality !== "CT" || rows === null) throw new RefusedError("not-ct", `no CT image, its modality is ${modality || "not given"}`);
      files.push({ path, seriesInstanceUid, ...readFileMeta(bytes) });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      process.stderr.write(`left out ${entry.name}: ${error.message}\n`);
    }
  }
  if (files.length === 0) throw new RefusedError("input-empty", `no DICOM file of a CT in ${folder}`);
  const series = new Set(files.map(({ seriesInstanceUid }) => seriesInstanceUid)).size;
  if (series > 1)
    throw new RefusedError("input-several-series", `expected one CT series in ${folder}, found ${series}; give each a folder of its own`);
  return files;
}

async function send(files: readonly SourceFile[], aeTitle: string, port: number): Promise<void> {
  const started = performance.now();
  const outcomes = await storeFiles({ name: "segbox", aeTitle, host: "127.0.0.1", port }, "CT1", files, {});
  const failed = outcomes.find(({ kind }) => kind !== "stored");
  if (failed) throw new RefusedError("send-failed", `sending failed: ${"message" in failed ? failed.message : failed.kind}`);
  say(`Sent ${files.length} images by C-STORE in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Follows the series over the box's own API until its result is delivered or it failed. */
async function watch(service: DemoService, password: string): Promise<SeriesDetail> {
  const cookie = await service.signIn("demo", password);
  let shown = "";
  for (let since = performance.now(); performance.now() - since < stallMs; await sleep(200)) {
    const [series] = await service.get<SeriesSummary[]>(paths.seriesList, cookie);
    const state = series ? describe(series) : "waiting for images";
    if (state !== shown) {
      say(state);
      shown = state;
      since = performance.now();
    }
    if (series?.state === "ignored") throw new RefusedError("series-ignored", `the series was not segmented: ${series.reason?.message}`);
    const [result] = series?.results ?? [];
    if (result?.state === "failed" || result?.state === "delivery-failed")
      throw new RefusedError(
        "result-failed",
        `no result: ${(result.reason ?? result.deliveries.find(({ reason }) => reason)?.reason)?.message}`,
      );
    if (series && (result?.state === "delivered" || result?.state === "done"))
      return service.get<SeriesDetail>(paths.series(series.id), cookie);
  }
  throw new RefusedError("demo-stalled", `nothing changed for ${stallMs / 60_000} minutes; last seen: ${shown}`);
}

function describe({ state, instanceCount, results: [result] }: SeriesSummary): string {
  if (!result) return state === "receiving" ? `Receiving: ${instanceCount} images` : `Received: ${instanceCount} images`;
  if (result.state === "running" && result.progress !== null) return `Inference: ${Math.round(result.progress * 100)} %`;
  if (result.state === "delivering")
    return `Delivery: ${result.deliveries.filter((delivery) => delivery.state === "delivered").length} of ${result.deliveries.length} objects`;
  return `Result: ${result.state}`;
}

/** All of it must have happened: both objects are at the PACS, in the study of the images. */
async function checkResult(detail: SeriesDetail, pacs: DemoPacs): Promise<ResultDetail> {
  const [result] = detail.resultDetails;
  if (!result?.structures) throw new RefusedError("result-missing", "the result has no structures");
  const headers = await Promise.all(pacs.received.map(async (path) => readInstanceHeader(await readFile(path))));
  for (const [name, uid] of [["SEG", sopClass.segmentationStorage] as const, ["RTSTRUCT", sopClass.rtStructureSetStorage] as const])
    if (!headers.some((header) => header.sopClassUid === uid && header.studyInstanceUid === detail.studyInstanceUid))
      throw new RefusedError("result-missing", `the PACS stand-in received no ${name} in the study of the images`);
  say(`The PACS stand-in holds ${headers.length} objects in the study of the images`);
  return result;
}
