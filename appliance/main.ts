import { chmod, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { settleImports } from "../models/import/settle.ts";
import { applySiteFile } from "../provisioning/apply-site.ts";
import type { ReceivingState } from "./api/device.ts";
import { backupState } from "./backup/run-backup.ts";
import type { Clock } from "./base/clock.ts";
import { messageOf, RefusedError } from "./base/errors.ts";
import type { Log } from "./base/log.ts";
import { parseAuditSettings } from "./config/audit-settings.ts";
import { dataFolder } from "./config/data-folder.ts";
import { parseDicomSettings } from "./config/dicom-settings.ts";
import { parseHttpSettings } from "./config/http-settings.ts";
import { parseRetentionSettings } from "./config/retention-settings.ts";
import type { Site } from "./config/site-file.ts";
import type { ResultId } from "./domain/ids.ts";
import { createYoungCollector } from "./host/collect-young.ts";
import { confinement } from "./host/confine.ts";
import { EventLoopWatch } from "./host/event-loop.ts";
import { readMachine } from "./host/machine.ts";
import { ownHostNames } from "./host/own-names.ts";
import { Sealing } from "./host/sealing.ts";
import { machineSerialNumber } from "./host/serial-number.ts";
import { readSoftwareVersion } from "./host/software-version.ts";
import { LiveEvents } from "./http/live-events.ts";
import { readSeriesSummary } from "./http/series-views.ts";
import { startHttp } from "./http/server.ts";
import { storageOf } from "./http/storage-views.ts";
import { WebTls } from "./http/web-tls.ts";
import { usableModels } from "./inference/models.ts";
import { Runner } from "./jobs/runner.ts";
import { addPullOf, findAt, testAndNote } from "./pipeline/ask-node.ts";
import { AuditCheck } from "./pipeline/audit-check.ts";
import { AuditHeads } from "./pipeline/audit-heads.ts";
import { AuditSender } from "./pipeline/audit-sender.ts";
import { Changes } from "./pipeline/changes.ts";
import { CheckFiles } from "./pipeline/check-files.ts";
import { associationEnded, OpenAssociations } from "./pipeline/close-series.ts";
import { noteCommitment } from "./pipeline/commit-delivery.ts";
import { startDicomNode } from "./pipeline/dicom-node.ts";
import { startNightly } from "./pipeline/nightly.ts";
import { startNightlyBackup } from "./pipeline/nightly-backup.ts";
import { pauseNode, retryDelivery } from "./pipeline/outbox.ts";
import { OwnTls } from "./pipeline/own-tls.ts";
import { openInstance } from "./pipeline/receive.ts";
import { Retention } from "./pipeline/retention.ts";
import { Retriever } from "./pipeline/retrieve.ts";
import { retryResult } from "./pipeline/retry.ts";
import { reviewResult } from "./pipeline/review.ts";
import { createSteps, lanes } from "./pipeline/steps.ts";
import { WebStore } from "./pipeline/web-store.ts";
import { addAudit, chainAudit } from "./store/audit.ts";
import { lockFolder, openDatabase, requireSoundDatabase } from "./store/database.ts";
import { getDelivery } from "./store/deliveries.ts";
import { Durability } from "./store/durability.ts";
import { FreeSpace } from "./store/free-space.ts";
import { GroupCommit } from "./store/group-commit.ts";
import { releaseRunningJobs } from "./store/jobs.ts";
import { ObjectFolder } from "./store/objects.ts";
import { getResult } from "./store/results.ts";
import { setRunMark, wasCutOff } from "./store/run-mark.ts";
import { noteRestart } from "./store/series.ts";
import { getSetting, listNodes, listRules } from "./store/settings.ts";

export type ServiceOptions = {
  /** Data folder; made when absent. */
  readonly data: string;
  /** Site file to apply first. */
  readonly provision: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
};

export type Service = {
  readonly dicomPort: number;
  /** Null where TLS is not set up. */
  readonly dicomTlsPort: number | null;
  readonly httpPort: number;
  /** Null where browsers are not sent on. */
  readonly redirectPort: number | null;
  /** Whether httpPort speaks TLS. */
  readonly isHttps: boolean;
  stop(): Promise<void>;
};

const uiFolder = join(import.meta.dirname, "../ui");
/** Models that come with the program. */
export const shippedModels = join(import.meta.dirname, "../models");

/** Builds everything, starts it in order, and answers how to stop it in reverse. Refused where the box was never set up. */
export async function startService({ data, provision, clock, log }: ServiceOptions): Promise<Service> {
  const folder = dataFolder(data);
  await using started = new AsyncDisposableStack(); // undone when a later part fails to start
  await mkdir(folder.root, { recursive: true });
  await chmod(folder.root, 0o700); // also where somebody made it: it holds patient data
  await mkdir(folder.models, { recursive: true });
  await settleImports(folder.models);
  const lock = lockFolder(folder.lock);
  started.defer(() => lock.close());
  if (wasCutOff(folder.runMark)) {
    const startedMs = clock.monotonicMs();
    log.warn("ended-uncleanly", { check: "database" });
    requireSoundDatabase(folder.database);
    log.info("database-sound", { durationMs: Math.round(clock.monotonicMs() - startedMs) });
  }
  const runMark = await setRunMark(folder.runMark, clock.now());
  started.defer(() => runMark.end());
  const database = await openDatabase(folder.database, clock.now()).catch((error: unknown) => {
    runMark.keep(); // whatever is wrong with it, the next start looks
    throw error;
  });
  started.defer(() => database.close());
  database.onDamage((message) => {
    runMark.keep();
    log.error("database-damaged", { message, remedy: "start again: the database is then checked; restore the last backup" });
  });
  if (chainAudit(database)) log.info("audit-chained");
  const auditHeads = await AuditHeads.open(database, folder, clock, log);
  started.defer(() => auditHeads.stop());
  if (provision !== undefined && (await applySiteFile(database, provision, clock.now()))) log.info("site-file-applied");
  const confined = confinement();
  log[confined.network === "none" && confined.memoryBytes !== null ? "info" : "warn"]("children-confined", confined);
  const station = getSetting<Site["station"]>(database, "station");
  const storedDicom = getSetting<unknown>(database, "dicom");
  const storedHttp = getSetting<unknown>(database, "http");
  if (!station || !storedDicom || !storedHttp)
    throw new RefusedError(
      "not-set-up",
      "this data folder was never set up; start once with --provision FILE (provisioning/example.yaml shows one)",
    );

  const dicom = parseDicomSettings(storedDicom);
  const http = parseHttpSettings(storedHttp);
  const softwareVersion = readSoftwareVersion();
  const auditService = (action: string): void =>
    addAudit(database, { at: clock.now(), actor: "system", action, object: "service", detail: { softwareVersion } });
  auditService("service-started");
  started.defer(() => auditService("service-stopped"));
  const { syslog } = parseAuditSettings(getSetting(database, "audit"));
  const auditSender = syslog
    ? new AuditSender({
        ...{ database, clock, log, server: syslog, sign: (link) => auditHeads.sign(link) },
        source: { id: station.name, site: station.organization ?? null },
      })
    : null;
  started.defer(() => auditSender?.stop());
  const auditCheck = new AuditCheck({ database, folder, clock, log });
  started.defer(() => auditCheck.stop());
  const { limits } = dicom;
  const space = new FreeSpace(folder.root, limits.minimumFreeMegabytes * 1_048_576, (isLow, { freeBytes }) => {
    if (isLow) log.error("disk-full", { freeBytes, minimumFreeBytes: space.minimumBytes });
    else log.info("disk-has-room", { freeBytes });
  });
  const tls = dicom.tls ? await OwnTls.open(dicom.tls, log, clock.now) : null;
  started.defer(() => tls?.stop());
  const durability = new Durability(({ message }) => log.error("storage-failed", { message }), !dicom.durable);
  if (!dicom.durable) log.warn("not-durable", { remedy: "set dicom.durable to true: a power cut loses what was acknowledged" });
  const commits = new GroupCommit(database, folder.database, durability);
  started.defer(() => commits.close());
  const objects = await ObjectFolder.open(folder.objects, durability);
  started.defer(() => objects.close());
  let { models, refusals } = await usableModels([shippedModels, folder.models]);
  for (const { code, message } of refusals) log.error("model-unusable", { code, message });
  for (const rule of listRules(database))
    if (!models.has(rule.model)) log.error("rule-without-model", { rule: rule.name, model: rule.model });
  const changes = new Changes();
  const open = new OpenAssociations();
  const quietMs = dicom.quietSeconds * 1000;
  noteRestart(database, clock.now());
  const released = releaseRunningJobs(database, clock.now());
  if (released > 0) log.info("jobs-resumed", { jobs: released });

  const receivingOptions = {
    database,
    objects,
    space,
    commits,
    changes,
    clock,
    log,
    quietMs,
    forceMs: dicom.forceCompleteMinutes * 60_000,
  };
  const caller = () => ({ callingAeTitle: dicom.aeTitle, tls: tls?.identity });
  const webStore = new WebStore({
    ...receivingOptions,
    open,
    aeTitle: dicom.aeTitle,
    otherStorageClasses: dicom.otherStorageClasses,
    maxObjectBytes: limits.objectMegabytes * 1_048_576,
    maxRequests: limits.associations,
    onBytes: createYoungCollector(),
    wake: () => runner.wake(),
  });
  const retriever = new Retriever(folder.temporary);
  started.defer(() => retriever.stop());
  const runner = new Runner({
    database,
    clock,
    log,
    lanes,
    steps: createSteps({
      database,
      objects,
      open,
      changes,
      clock,
      log,
      quietMs,
      forceMs: receivingOptions.forceMs,
      threads: availableParallelism(),
      callingAeTitle: dicom.aeTitle,
      tls: () => tls?.identity,
      openInstance: (incoming) =>
        openInstance(incoming, {
          ...receivingOptions,
          wake: () => {}, // the runner looks again when the pull ends
          onSeries: (associationId, seriesId) => open.brought(associationId, seriesId),
        }),
      commitmentMs: dicom.commitmentMinutes * 60_000,
      associationEnded: (associationId) => associationEnded(associationId, { ...receivingOptions, open }),
      maxObjectBytes: limits.objectMegabytes * 1_048_576,
      webStore,
      retriever,
      async readModel(name) {
        ({ models } = await usableModels([shippedModels, folder.models])); // what was installed or replaced since the start counts
        return models.get(name)?.manifest;
      },
      modelFolder: (name) => models.get(name)?.folder ?? join(folder.models, name),
      activationFile: folder.activation,
      resultFolder: folder.result,
      device: () => ({
        manufacturer: "Segbox",
        modelName: "Segbox",
        deviceSerialNumber: station.serialNumber ?? machineSerialNumber(),
        softwareVersions: [softwareVersion],
        stationName: station.name,
      }),
    }),
  });
  started.defer(() => runner.stop());
  const eventLoop = new EventLoopWatch();
  started.defer(() => eventLoop.stop());

  const checkFiles = await CheckFiles.survey({ ...receivingOptions, folder, aeTitle: dicom.aeTitle, wake: () => runner.wake() });
  started.defer(() => checkFiles.stop());
  const retention = new Retention({
    database,
    objects,
    resultFolder: folder.result,
    settings: parseRetentionSettings(getSetting(database, "retention"), limits.minimumFreeMegabytes),
    freeBytes: async () => (await space.read()).freeBytes,
    clock,
    log,
    seriesChanged: (id) => changes.seriesChanged(id),
  });

  const progressOf = (id: ResultId): number | null => changes.progressOf(id);
  const live = new LiveEvents((id) => readSeriesSummary(database, progressOf, id));
  started.defer(() => live.close());
  changes.subscribe((change) => (change.kind === "series" ? live.seriesChanged(change.seriesId) : live.publish(change)));
  let dicomPort = 0;
  const receiving = async (): Promise<ReceivingState> => {
    await space.read();
    if (durability.isLost) return "storage-failed";
    return space.isLow ? "disk-full" : "open";
  };
  /** Requests of the page run inside a transaction: the work they leave begins after it. */
  const wakeAfter = (): void => void setImmediate(() => runner.wake());
  const resultTouched = (id: ResultId | undefined): void => {
    const seriesId = id === undefined ? undefined : getResult(database, id)?.seriesId;
    if (seriesId !== undefined) changes.seriesChanged(seriesId);
    wakeAfter();
  };
  const names = [...http.names, ...ownHostNames()];
  const webTls = http.tls === "off" ? undefined : await WebTls.open({ setting: http.tls, folder: folder.https, names, clock, log });
  started.defer(() => webTls?.stop());
  const { redirectPort } = http;
  const web = await startHttp(
    {
      host: http.address,
      port: http.port,
      uiFolder,
      names,
      dicomWebOrigins: http.dicomWebOrigins,
      limits: http.limits,
      ...(http.provider && { provider: http.provider }),
      ...(webTls && { tls: webTls }),
      ...(redirectPort !== undefined && { redirectPort }),
    },
    {
      database,
      clock,
      sealing: await Sealing.open(folder.secretKey),
      subscribe: live.subscribe,
      progressOf,
      resultFolder: folder.result,
      models: { folders: [shippedModels, folder.models], activationFile: folder.activation, benchmarkFile: folder.benchmark },
      findModel(name, version) {
        const manifest = models.get(name)?.manifest;
        return manifest?.version === version ? manifest : undefined; // another version may number its labels otherwise
      },
      retry(id) {
        retryResult(database, id, clock.now());
        resultTouched(id);
      },
      retryDelivery(id) {
        retryDelivery(database, id, clock.now());
        resultTouched(getDelivery(database, id)?.resultId);
      },
      pauseNode(name, paused) {
        pauseNode(database, name, paused, clock.now());
        wakeAfter();
      },
      testNode: (name) => testAndNote(database, name, caller(), clock),
      findAtNode: (name, query) => findAt(database, name, query, caller()),
      pull(name, wanted, askedBy) {
        const id = addPullOf(database, name, wanted, askedBy, clock.now());
        wakeAfter();
        return id;
      },
      review(id, review) {
        reviewResult(database, id, { ...review, organization: station.organization ?? "" });
        resultTouched(id);
      },
      dicomWeb: { objects, retriever, store: webStore, longestStoreMs: limits.associationMinutes * 60_000 },
      storage: storageOf({
        ...{ database, folder, objects, retention, space, clock, changes },
        files: () => checkFiles.found,
      }),
      auditCheck,
      auditServer: () => auditSender?.state() ?? null,
      receiving,
      device: async () => {
        const disk = await space.read();
        return {
          stationName: station.name,
          softwareVersion,
          aeTitle: dicom.aeTitle,
          dicomPort,
          receiving: await receiving(),
          model: [...models.values()].map(({ manifest: { name, version, title } }) => ({ name, version, title })),
          destinations: listNodes(database).map(({ name, aeTitle }) => ({ name, aeTitle })),
          disk: { ...disk, minimumFreeBytes: space.minimumBytes },
          backup: backupState(database, clock.now()),
          eventLoop: eventLoop.read(),
        };
      },
    },
    log,
  );
  started.defer(() => web.close());

  const node = await startDicomNode({
    ...receivingOptions,
    settings: dicom,
    tls,
    commitmentReported: (report) => {
      noteCommitment(report, {
        ...receivingOptions,
        ...caller(),
        tls: () => tls?.identity,
        commitmentMs: dicom.commitmentMinutes * 60_000,
      });
      runner.wake();
    },
    durability,
    open,
    wake: () => runner.wake(),
  });
  started.defer(() => node.close(2_000));
  dicomPort = node.port;

  // Commands in other processes leave work in the database
  const elsewhere = setInterval(() => {
    if (!database.changedElsewhere()) return;
    runner.wake();
    retention.removeFiles().catch((error: unknown) => log.error("files-not-deleted", { message: messageOf(error) }));
  }, 1_000);
  started.defer(() => clearInterval(elsewhere));
  const retaining = retention.start();
  started.defer(() => retaining.stop());
  const nightly = startNightly(database, clock, log);
  started.defer(() => nightly.stop());
  const nightlyBackup = startNightlyBackup({ database, folder, clock, softwareVersion }, log);
  started.defer(() => nightlyBackup.stop());
  readMachine().then(
    (machine) => log.info("machine", machine),
    (error: unknown) => log.warn("machine-unknown", { message: messageOf(error) }),
  );

  void auditCheck.verify().catch(() => {}); // it has said so in the log
  runner.wake();
  checkFiles.start();
  const running = started.move();
  return {
    dicomPort: node.port,
    dicomTlsPort: node.tlsPort,
    httpPort: web.port,
    redirectPort: web.redirectPort,
    isHttps: webTls !== undefined,
    stop: () => running.disposeAsync(),
  };
}
