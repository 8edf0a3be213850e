import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import type { Device } from "../../../appliance/dicom/header.ts";
import type { ModelManifest } from "../../../appliance/domain/model.ts";
import { Later } from "../../../appliance/jobs/runner.ts";
import { Changes } from "../../../appliance/pipeline/changes.ts";
import { associationEnded, OpenAssociations } from "../../../appliance/pipeline/close-series.ts";
import { openInstance } from "../../../appliance/pipeline/receive.ts";
import { Retriever } from "../../../appliance/pipeline/retrieve.ts";
import { createSteps } from "../../../appliance/pipeline/steps.ts";
import { WebStore } from "../../../appliance/pipeline/web-store.ts";
import { Durability } from "../../../appliance/store/durability.ts";
import { FreeSpace } from "../../../appliance/store/free-space.ts";
import { GroupCommit } from "../../../appliance/store/group-commit.ts";
import { claimJob, finishJob, type Job } from "../../../appliance/store/jobs.ts";
import { ObjectFolder } from "../../../appliance/store/objects.ts";
import { temporaryDatabase } from "../../make/database.ts";

const manifest = { name: "reference", version: "1.0.0" } as ModelManifest; // selection looks at no more of it

/** The pipeline's steps over a database of their own, run one at a time by the test. The clock is the test's: `at.now`. */
export async function pipelineSteps({
  quietMs = 10_000,
  forceMs = 1_800_000,
  modelFolder,
  device,
}: {
  readonly quietMs?: number;
  readonly forceMs?: number;
  /** Of the one model, where something is encoded. */
  readonly modelFolder?: string;
  readonly device?: Device;
} = {}) {
  const made = await temporaryDatabase();
  const { database, folder } = made;
  const at = { now: 100_000 };
  const open = new OpenAssociations();
  const changes = new Changes();
  const changed: number[] = [];
  changes.subscribe((change) => changed.push(change.seriesId));
  const commits = new GroupCommit(database, join(folder, "segbox.sqlite"), new Durability());
  const space = new FreeSpace(folder, 0, () => {});
  const objects = await ObjectFolder.open(join(folder, "objects"));
  const clock = { ...systemClock, now: () => at.now };
  const log = createLog(() => {}, Date.now);
  const resultFolder = (id: number) => join(folder, "results", String(id));
  const receiving = { database, objects, space, commits, changes, clock, log, quietMs, forceMs, wake: () => {}, onBytes: () => {} };
  const retriever = new Retriever(join(folder, "temporary"));
  const steps = createSteps({
    database,
    objects,
    open,
    changes,
    clock,
    log,
    quietMs,
    forceMs,
    threads: 1,
    callingAeTitle: "SEGBOX",
    tls: () => undefined,
    openInstance: (incoming) =>
      openInstance(incoming, {
        ...receiving,
        onSeries: (associationId, seriesId) => open.brought(associationId, seriesId),
      }),
    associationEnded: (associationId) => associationEnded(associationId, { database, open, changes, clock, log, quietMs, forceMs }),
    maxObjectBytes: 1e9,
    webStore: new WebStore({ ...receiving, open, aeTitle: "SEGBOX", otherStorageClasses: [], maxObjectBytes: 1e9, maxRequests: 8 }),
    retriever,
    commitmentMs: 60_000,
    readModel: async (name) => (name === manifest.name ? manifest : undefined),
    modelFolder: (name) => modelFolder ?? join(folder, "models", name),
    activationFile: (name) => join(folder, "activations", `${name}.json`),
    resultFolder,
    device: () => device ?? assert.fail("no object is encoded here"),
  });
  const stepOf = (kind: string) => steps.get(kind) ?? assert.fail(`no step ${kind}`);

  /** Runs the work of a step up to its commit. */
  async function work(kind: string, payload: object) {
    const outcome = await stepOf(kind).run(payload as never, { attempt: 1, signal: new AbortController().signal });
    return outcome instanceof Later ? outcome : () => database.transaction(outcome);
  }
  return {
    ...made,
    at,
    open,
    changes,
    changed,
    clock,
    log,
    objects,
    space,
    commits,
    quietMs,
    forceMs,
    resultFolder,
    stepOf,
    work,
    /** Runs a step and commits it; what it was put off to, if it was. */
    async run(kind: string, payload: object): Promise<number | undefined> {
      const outcome = await work(kind, payload);
      if (outcome instanceof Later) return outcome.runAt;
      outcome();
      return undefined;
    },
    /** Takes the next waiting job of a kind, whenever it is due, as done. */
    take(kind: string): Job | undefined {
      const job = claimJob(database, [kind], Number.MAX_SAFE_INTEGER);
      if (job) finishJob(database, job.id);
      return job;
    },
    async [Symbol.asyncDispose]() {
      retriever.stop();
      await made[Symbol.asyncDispose]();
    },
    waiting: () => database.all<{ key: string; run_at: number }>("select key, run_at from job where state = 'waiting' order by id"),
  };
}
