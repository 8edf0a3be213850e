import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { paths } from "../../appliance/api/paths.ts";
import type { SeriesDetail, SeriesSummary } from "../../appliance/api/series.ts";
import { eventually } from "../peers/eventually.ts";
import { type Exit, type RunningProcess, run, start } from "../peers/process.ts";

/** Entry of the command line. */
export const cli = join(import.meta.dirname, "../../appliance/cli/main.ts");
/** The 20 CT images of a real series that come with the project. */
export const exampleCt = join(import.meta.dirname, "../data/example-ct");
/** Of the user `tester`. */
export const password = "a password for tests";

export type Pacs = { readonly aeTitle: string; readonly dicomPort: number };

export type BoxOptions = {
  /** Data folder; a second box on it goes on where the first one ended. */
  readonly data: string;
  readonly pacs: Pacs;
  readonly quietSeconds?: number;
  readonly minimumSlices?: number;
  /** Where the scanner `CT1` listens, for what is returned to it. */
  readonly scannerPort?: number;
  /** Nodes beside the scanner and the PACS. */
  readonly nodes?: readonly {
    readonly name: string;
    readonly aeTitle: string;
    readonly port?: number;
    readonly services?: readonly string[];
    readonly dicomweb?: object;
  }[];
  /** For whom the reviewers act. */
  readonly organization?: string;
  /** In place of the one rule that sends SEG and RTSTRUCT to the PACS. */
  readonly rules?: readonly object[];
  /** Further settings of the DICOM node. */
  readonly dicom?: object;
  /** Further settings of the web server. */
  readonly http?: object;
  readonly backup?: object;
  /** A program, with its arguments, that the service runs under. */
  readonly under?: readonly string[];
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The real service as a process of its own, as a user starts it, with one rule that sends everything to one PACS. */
export type Box = AsyncDisposable & {
  readonly aeTitle: "SEGBOX";
  readonly dicomPort: number;
  readonly url: string;
  readonly process: RunningProcess;
  readonly get: <T>(path: string) => Promise<T>;
  readonly listSeries: () => Promise<SeriesSummary[]>;
  /** A POST as the signed-in user; its status. */
  readonly post: (path: string, body?: unknown) => Promise<number>;
  readonly seriesDetail: (id: number) => Promise<SeriesDetail>;
  /** The newest series as soon as `isIt` says so. */
  readonly seriesWhen: (isIt: (series: SeriesSummary) => boolean, timeoutMs?: number) => Promise<SeriesSummary>;
  readonly cookie: string;
  /** SIGKILL: what a power cut is to the process. */
  readonly killHard: () => Promise<void>;
  readonly stop: () => Promise<Exit>;
};

export async function startBox({
  data,
  pacs,
  quietSeconds = 1,
  minimumSlices = 10,
  scannerPort = 11113,
  nodes = [],
  organization,
  rules,
  dicom = {},
  http = {},
  backup,
  under = [],
  env = {},
}: BoxOptions): Promise<Box> {
  await mkdir(data, { recursive: true });
  const site = {
    station: { name: "TEST", ...(organization === undefined ? {} : { organization }) },
    dicom: { aeTitle: "SEGBOX", port: 0, quietSeconds, ...dicom },
    http: { port: 0, tls: "off", ...http },
    ...(backup === undefined ? {} : { backup }),
    nodes: [
      { name: "scanner", aeTitle: "CT1", host: "127.0.0.1", port: scannerPort },
      { name: "pacs", aeTitle: pacs.aeTitle, host: "127.0.0.1", port: pacs.dicomPort },
      ...nodes.map((node) => (node.dicomweb ? node : { ...node, host: "127.0.0.1" })),
    ],
    rules: rules ?? [
      { name: "axial CT", match: { minimumSlices }, model: "reference", outputs: ["seg", "rtstruct"], destinations: ["pacs"] },
    ],
  };
  const siteFile = join(data, "site.json");
  await writeFile(siteFile, JSON.stringify(site));
  const added = await run(process.execPath, [cli, "user", "add", "tester", "--data", data, "--role", "admin", "--password-stdin"], {
    input: password,
  });
  assert.match(`${added.code} ${added.stderr}`, /^0 |tester is there already/);
  const [program = "", ...args] = [...under, process.execPath, cli, "serve", "--data", data, "--provision", siteFile];
  const running = start(program, args, { env });
  const [line] = await running.waitForLine(/^\{"event":"listening".*/);
  const { dicomPort, httpPort } = JSON.parse(line) as { dicomPort: number; httpPort: number };
  const url = `http://127.0.0.1:${httpPort}`;
  const cookie = await signIn(url);
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(url + path, { headers: { cookie } });
    if (!answer.ok) assert.fail(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const listSeries = () => get<SeriesSummary[]>(paths.seriesList);
  return {
    aeTitle: "SEGBOX",
    dicomPort,
    url,
    process: running,
    cookie,
    listSeries,
    get,
    async post(path, body) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const headers = { cookie, origin: url, ...(body === undefined ? {} : { "content-type": "application/json" }) };
      return (await fetch(url + path, { method: "POST", headers, ...sent })).status;
    },
    seriesDetail: (id) => get<SeriesDetail>(paths.series(id)),
    seriesWhen: (isIt, timeoutMs = 480_000) => eventually(async () => (await listSeries()).slice(0, 1).find(isIt), timeoutMs),
    async killHard() {
      running.kill("SIGKILL");
      await running.exited;
    },
    stop: () => running.stop(10_000),
    async [Symbol.asyncDispose]() {
      await running.stop(10_000);
    },
  };
}

async function signIn(url: string): Promise<string> {
  const answer = await fetch(url + paths.session, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify({ name: "tester", password }),
  });
  assert.equal(answer.status, 200);
  return answer.headers.getSetCookie()[0]!.split(";")[0]!;
}

/** A result whose every delivery the peer has taken. */
export function isDelivered({ results }: SeriesSummary): boolean {
  return results.some(({ state }) => state === "delivered");
}
