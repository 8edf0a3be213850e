import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditServerState } from "../../../appliance/api/audit.ts";
import type { ImagesInfo } from "../../../appliance/api/series.ts";
import { systemClock } from "../../../appliance/base/clock.ts";
import { RefusedError } from "../../../appliance/base/errors.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import type { ProviderSettings } from "../../../appliance/config/provider-settings.ts";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import type { StructureMeasure } from "../../../appliance/domain/result.ts";
import { type ResultOutput, usualOutputSettings } from "../../../appliance/domain/rule.ts";
import type { SeriesDescription } from "../../../appliance/domain/series.ts";
import { roles } from "../../../appliance/domain/user.ts";
import { hashPassword } from "../../../appliance/host/password.ts";
import { Sealing } from "../../../appliance/host/sealing.ts";
import type { HttpDependencies } from "../../../appliance/http/dependencies.ts";
import { LiveEvents } from "../../../appliance/http/live-events.ts";
import type { RequestLimits } from "../../../appliance/http/request-limit.ts";
import { readSeriesSummary } from "../../../appliance/http/series-views.ts";
import { startHttp } from "../../../appliance/http/server.ts";
import { storageOf } from "../../../appliance/http/storage-views.ts";
import { addPullOf, findAt, testAndNote } from "../../../appliance/pipeline/ask-node.ts";
import { AuditCheck } from "../../../appliance/pipeline/audit-check.ts";
import { Changes } from "../../../appliance/pipeline/changes.ts";
import { OpenAssociations } from "../../../appliance/pipeline/close-series.ts";
import { pauseNode, retryDelivery } from "../../../appliance/pipeline/outbox.ts";
import { mintUids } from "../../../appliance/pipeline/outputs.ts";
import { Retention } from "../../../appliance/pipeline/retention.ts";
import { Retriever } from "../../../appliance/pipeline/retrieve.ts";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { reviewResult } from "../../../appliance/pipeline/review.ts";
import { WebStore } from "../../../appliance/pipeline/web-store.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { addDelivery } from "../../../appliance/store/deliveries.ts";
import { Durability } from "../../../appliance/store/durability.ts";
import { FreeSpace } from "../../../appliance/store/free-space.ts";
import { GroupCommit } from "../../../appliance/store/group-commit.ts";
import { ObjectFolder } from "../../../appliance/store/objects.ts";
import { addResult, getResult, moveResult, setSegmented } from "../../../appliance/store/results.ts";
import { addInstance } from "../../../appliance/store/series.ts";
import { addUser } from "../../../appliance/store/users.ts";

/** Every user of a test box has this password; users are called as their role. */
export const password = "correct horse battery";

const shippedModels = join(import.meta.dirname, "../../../models");

/** The web server on a free port, over a real database and folder. The test's clock can be put forward; `log` has what was logged. */
export async function startBox({
  uiFolder = "/nowhere",
  minimumFreeBytes = 0,
  dicomWebOrigins = [] as readonly string[],
  provider,
  auditServer = null,
  limits,
}: {
  uiFolder?: string;
  minimumFreeBytes?: number;
  dicomWebOrigins?: readonly string[];
  provider?: ProviderSettings;
  auditServer?: AuditServerState | null;
  limits?: RequestLimits;
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), "segbox-http-"));
  const database = await openDatabase(join(folder, "segbox.sqlite"), Date.now());
  for (const role of roles) addUser(database, { name: role, role, passwordHash: await hashPassword(password), createdAt: Date.now() });

  let aheadMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const progress = new Map<number, number>();
  const progressOf = (id: number) => progress.get(id) ?? null;
  const live = new LiveEvents((id) => readSeriesSummary(database, progressOf, id), 20);
  const log: string[] = [];
  const retried: number[] = [];
  const durability = new Durability();
  const receiving = {
    database,
    objects: await ObjectFolder.open(join(folder, "objects"), durability),
    space: new FreeSpace(folder, minimumFreeBytes, () => {}),
    commits: new GroupCommit(database, join(folder, "segbox.sqlite"), durability),
    changes: new Changes(),
    clock,
    log: createLog((line) => log.push(line), clock.now, "debug"),
    quietMs: 1_000,
    forceMs: 1e9,
    onBytes: () => {},
    wake: () => {},
  };
  const resultFolder = (id: number) => join(folder, "results", String(id));
  const caller = { callingAeTitle: "SEGBOX", tls: undefined };
  const models = join(folder, "models");
  const activationFile = (name: string) => join(folder, "activations", `${name}.json`);
  const benchmarkFile = (name: string) => join(folder, "benchmarks", `${name}.json`);
  const retention = new Retention({
    ...receiving,
    resultFolder,
    settings: { imageDays: 30, resultDays: 90, traceDays: 3_650, startFreeBytes: 0 },
    freeBytes: async () => 400e9,
    seriesChanged: () => {},
  });
  const auditCheck = new AuditCheck({ database, folder: dataFolder(folder), clock, log: receiving.log });
  const dependencies: HttpDependencies = {
    database,
    clock,
    sealing: await Sealing.open(join(folder, "secret.key")),
    subscribe: live.subscribe,
    progressOf,
    resultFolder,
    models: { folders: [shippedModels, models], activationFile, benchmarkFile },
    findModel: (name) => (name === model.name ? model : undefined),
    retry: (id) => {
      if (getResult(database, id)?.state !== "failed") throw new RefusedError("nothing-failed", "nothing of this result failed");
      retryResult(database, id, clock.now());
      retried.push(id);
    },
    retryDelivery: (id) => retryDelivery(database, id, clock.now()),
    review: (id, review) => reviewResult(database, id, review),
    pauseNode: (name, paused) => pauseNode(database, name, paused, clock.now()),
    testNode: (name) => testAndNote(database, name, caller, clock),
    findAtNode: (name, query) => findAt(database, name, query, caller),
    pull: (name, wanted, askedBy) => addPullOf(database, name, wanted, askedBy, clock.now()),
    dicomWeb: {
      objects: receiving.objects,
      retriever: new Retriever(join(folder, "temporary")),
      store: new WebStore({
        ...receiving,
        open: new OpenAssociations(),
        aeTitle: "SEGBOX",
        otherStorageClasses: [],
        maxObjectBytes: 100_000,
        maxRequests: 3,
      }),
      longestStoreMs: 60_000,
    },
    storage: storageOf({ ...receiving, retention, folder: dataFolder(folder), files: () => null }),
    auditCheck,
    auditServer: () => auditServer,
    receiving: () => "open",
    device: () => ({
      stationName: "Segbox, Radiology",
      softwareVersion: "0.1.0",
      aeTitle: "SEGBOX",
      dicomPort: 11112,
      receiving: "open",
      model: [{ name: model.name, version: model.version, title: model.title }],
      destinations: [{ name: "PACS", aeTitle: "ORTHANC" }],
      disk: { freeBytes: 400e9, totalBytes: 500e9, minimumFreeBytes: 2e9 },
      backup: { state: "good", lastGoodAt: 1_790_000_000_000, error: null },
      eventLoop: { p50Ms: 0.4, p99Ms: 12.5, maxMs: 31 },
    }),
  };
  const start = (port: number) =>
    startHttp(
      {
        host: "127.0.0.1",
        port,
        uiFolder,
        names: ["localhost"],
        dicomWebOrigins,
        ...(provider && { provider }),
        ...(limits && { limits }),
      },
      dependencies,
      createLog((line) => log.push(line), clock.now, "debug"),
    );
  let http = await start(0);
  const origin = `http://127.0.0.1:${http.port}`;
  const close = async () => {
    await http.close();
    live.close();
    receiving.commits.close();
    await receiving.objects.close();
    database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    activationFile,
    auditCheck,
    benchmarkFile,
    database,
    folder,
    http,
    live,
    log,
    models,
    origin,
    progress,
    receiving,
    resultFolder,
    retried,
    now: clock.now,
    passTime: (ms: number) => {
      aheadMs += ms;
    },
    /** The cookie header of a new session. */
    signIn: async (name: string, secret = password): Promise<string> => {
      const answer = await fetch(`${origin}/api/session`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Origin: origin },
        body: JSON.stringify({ name, password: secret }),
      });
      if (answer.status !== 200) throw new Error(`sign-in of ${name} answered ${answer.status}`);
      return answer.headers.getSetCookie()[0]!.split(";")[0]!;
    },
    /** A request of the box's own page, with a session's cookie; a body goes as JSON. */
    ask: (method: string, path: string, cookie: string, body?: unknown): Promise<Response> =>
      fetch(`${origin}${path}`, {
        method,
        headers: { cookie, Origin: origin, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    stopHttp: () => http.close(),
    /** The web server again, at the same address, over the same database. */
    startHttp: async () => {
      http = await start(Number(new URL(origin).port));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export type Box = Awaited<ReturnType<typeof startBox>>;

const code = { value: "123037004", scheme: "SCT", meaning: "Anatomical Structure" };
const label = { category: code, type: code, modifiers: [], anatomicRegion: null, rtRoiInterpretedType: "ORGAN" };

export const model: ModelManifest = {
  schema: 2,
  name: "reference",
  version: "1.0.0",
  title: "Reference tissues",
  intendedUse: "Shows that the way through the box works.",
  notFor: "Not for diagnosis, treatment planning or any other clinical use.",
  licence: "Apache-2.0",
  algorithm: { name: "nnU-Net", version: "2" },
  trainingData: [],
  parts: [],
  crop: null,
  stepSize: 0.5,
  mirrorAxes: [],
  postprocessing: { removeSmallBlobsMm3: null, keepLargest: [] },
  labels: [
    { value: 1, name: "lung", title: "Lungs", color: [86, 180, 233], ...label },
    { value: 2, name: "bone", title: "Bone", color: [240, 228, 66], ...label },
    { value: 3, name: "fat", title: "Fat", color: [230, 159, 0], ...label },
  ],
};

let arrivals = 0;
let contents = 0;

/** A series of one image, as the DICOM node would store it. `twice`: its first image comes once more, with other content. */
export function addSeries(box: Box, description: Partial<SeriesDescription> = {}, images = 1, { twice = false } = {}): number {
  let seriesId = 0;
  const seriesUid = `2.25.${++arrivals}`;
  for (const image of [...Array(images).keys(), ...(twice ? [0] : [])])
    ({ seriesId } = addInstance(box.database, {
      seriesInstanceUid: seriesUid,
      studyInstanceUid: "2.25.1",
      description: {
        patientName: "DOE^JANE",
        patientId: "4711",
        patientBirthDate: "19600229",
        patientSex: "F",
        accessionNumber: "A1",
        studyDate: "20260131",
        studyDescription: "CT thorax",
        seriesDescription: "Axial 1.0 soft tissue",
        seriesNumber: 2,
        bodyPartExamined: "CHEST",
        ...description,
      },
      callingAeTitle: "SCANNER1",
      calledAeTitle: "SEGBOX",
      instance: {
        sopInstanceUid: `${seriesUid}.${image + 1}`,
        transferSyntaxUid: "1.2.840.10008.1.2.1",
        digest: (++contents).toString(16).padStart(64, "0"),
        sizeBytes: 1,
        facts: {
          sopClassUid: "1.2.840.10008.5.1.4.1.1.2",
          modality: "CT",
          imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
          rows: 1,
          columns: 1,
          numberOfFrames: 1,
          imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        },
        receivedAt: Date.now(),
      },
    }));
  return seriesId;
}

/** A pending result of a series. */
export function addPendingResult(box: Box, seriesId: number): number {
  return addResult(box.database, {
    seriesId,
    rule: {
      name: "every axial CT",
      match: { modality: "CT", axial: true, minimumSlices: 10, callingAeTitles: [], seriesDescription: "" },
      model: model.name,
      outputs: ["seg", "rtstruct"],
      destinations: ["PACS"],
      deliver: "at-once",
      emptySeg: false,
      ...usualOutputSettings,
    },
    modelName: model.name,
    modelVersion: model.version,
    inputDigest: String(seriesId),
    inputs: [],
    uids: mintUids(),
    createdAt: Date.now(),
  })!;
}

export type Slices = { readonly images: ImagesInfo; readonly hu: Int16Array; readonly labels: Uint8Array };

/** Makes a result segmented and ready: its files on disk, its deliveries waiting. */
export async function addResultFiles(
  box: Box,
  resultId: number,
  { images, hu, labels }: Slices,
  structures: readonly StructureMeasure[] = [],
) {
  const folder = box.resultFolder(resultId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "images.json"), JSON.stringify(images));
  await writeFile(join(folder, "volume.i16"), new Uint8Array(hu.buffer, hu.byteOffset, hu.byteLength));
  await writeFile(join(folder, "labels.u8"), labels);
  for (const name of ["seg.dcm", "rtstruct.dcm", "labels.nii.gz", "statistics.json"])
    await writeFile(join(folder, name), `bytes of ${name}`);
  setSegmented(box.database, resultId, structures, {
    provider: "cpu",
    precision: "fp32",
    patches: 12,
    inferenceMs: 41_000,
    wallMs: 48_500,
    peakMemoryBytes: 1.9e9,
    notes: [],
  });
  moveResult(box.database, resultId, "ready");
  const deliver = (output: ResultOutput) =>
    addDelivery(box.database, { resultId, destination: "PACS", choices: [output], state: "waiting" });
  return [deliver("seg"), deliver("rtstruct")] as const;
}
