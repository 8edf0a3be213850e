import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { openDatabase } from "../../appliance/store/database.ts";
import { RawPeer } from "../appliance/dimse/raw-peer.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { type RunningProcess, start } from "../peers/process.ts";

const cli = join(import.meta.dirname, "../../appliance/cli/main.ts");

/** What a sender was promised: the data set with this digest, under this UID, is kept. */
export type Acknowledged = { readonly sopInstanceUid: string; readonly digest: string };
export type Sent = {
  readonly acknowledged: Acknowledged[] /** Every other answer, and how often. */;
  readonly refused: Map<string, number>;
};

/** The service on a data folder. Nothing in it waits for a series to be complete. */
export async function startReceiver(
  data: string,
  env: Readonly<Record<string, string>> = {},
  {
    dicom = {},
    site: more = {},
    under = [],
    siteFile = join(data, "site.json"),
  }: {
    /** Further settings of the DICOM node. */
    readonly dicom?: object;
    /** More of the site file: nodes, rules. */
    readonly site?: object;
    /** A program, with its arguments, that the service runs under. */
    readonly under?: readonly string[];
    readonly siteFile?: string;
  } = {},
) {
  await mkdir(data, { recursive: true });
  const site = {
    station: { name: "CHAOS" },
    dicom: { aeTitle: "SEGBOX", port: 0, quietSeconds: 3600, acceptUnknownCallers: true, ...dicom },
    http: { port: 0, tls: "off" },
    ...more,
  };
  await writeFile(siteFile, JSON.stringify(site));
  const [program = "", ...args] = [...under, process.execPath, cli, "serve", "--data", data, "--provision", siteFile];
  const running = start(program, args, { env });
  const [line] = await running.waitForLine(/^\{"event":"listening".*/, 60_000);
  return { process: running, ...(JSON.parse(line) as { dicomPort: number; httpPort: number }) };
}

export async function kill(running: RunningProcess): Promise<void> {
  running.kill("SIGKILL");
  await running.exited;
}

/**
 * Sends images that nobody has sent before over one association until it ends, or until `enough` says so. Small and large ones: a file may
 * be one write or several.
 */
export async function sendUntilItEnds(port: number, name: string, sent: Sent, enough: () => boolean = () => false): Promise<void> {
  const peer = await RawPeer.connect(port).catch(() => null);
  if (!peer) return; // killed before it listened again
  try {
    if (!(await peer.associate({ callingAeTitle: "CHAOS" })).accepted) return note(sent, "association refused");
    for (let series = 0; ; series++)
      for (const { sopInstanceUid, dataSet, digest } of imagesOf(`${name}/${series}`, series % 4 === 3 ? 512 : 64)) {
        if (enough()) return;
        peer.sendStore(sopInstanceUid, dataSet, 1, 131_072);
        const answer = await peer.nextCommand().catch(() => null);
        if (answer === null) return;
        if (answer.status === 0) sent.acknowledged.push({ sopInstanceUid, digest });
        else note(sent, (answer.status ?? 0).toString(16));
      }
  } finally {
    peer.socket.destroy();
  }
}

function note({ refused }: Sent, answer: string): void {
  refused.set(answer, (refused.get(answer) ?? 0) + 1);
}

function imagesOf(name: string, size: number) {
  const slices = makeCtSeries({ name, dims: [size, size, size > 64 ? 2 : 8], hu: (i, j, k) => (i * 7 + j * 3 + k + name.length) % 1000 });
  return slices.map(({ sopInstanceUid, bytes }) => {
    const dataSet = Buffer.from(bytes.subarray(readFileMeta(bytes).dataSetOffset));
    return { sopInstanceUid, dataSet, digest: createHash("sha256").update(dataSet).digest("hex") };
  });
}

/** Every image that was acknowledged is there, byte for byte, and none twice. */
export async function assertKept(data: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const database = await openDatabase(join(data, "segbox.sqlite"), Date.now());
  let rows: { sop_instance_uid: string; digest: string }[];
  try {
    assert.equal(database.sql.pragma("integrity_check", { simple: true }), "ok");
    rows = database.all("select sop_instance_uid, digest from instance");
  } finally {
    database.close();
  }
  const digests = new Map(rows.map((row) => [row.sop_instance_uid, row.digest]));
  assert.equal(digests.size, rows.length, "no image twice");
  for (const { sopInstanceUid, digest } of acknowledged)
    assert.equal(digests.get(sopInstanceUid), digest, `image ${sopInstanceUid} was acknowledged and is not in the database`);
  for (const { digest } of rows) {
    const path = join(data, "objects", digest.slice(0, 2), `${digest}.dcm`);
    const file = await readFile(path).catch(() => assert.fail(`${path} is not there, and its row is`));
    assert.equal(
      createHash("sha256")
        .update(file.subarray(readFileMeta(file).dataSetOffset))
        .digest("hex"),
      digest,
    );
  }
}
