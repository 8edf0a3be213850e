import type { AuditServerState } from "../api/audit.ts";
import type { Device, ReceivingState } from "../api/device.ts";
import type { LiveEvent } from "../api/events.ts";
import type { Clock } from "../base/clock.ts";
import type { Found, Query } from "../dimse/find.ts";
import type { NodeTest } from "../dimse/probe.ts";
import type { DeliveryId, PullId, ResultId } from "../domain/ids.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { Pull } from "../domain/pull.ts";
import type { Review } from "../domain/result.ts";
import type { Sealing } from "../host/sealing.ts";
import type { AuditCheck } from "../pipeline/audit-check.ts";
import type { ModelPlaces } from "../pipeline/model-card.ts";
import type { Retriever } from "../pipeline/retrieve.ts";
import type { WebArchiveOptions } from "../pipeline/web-archive.ts";
import type { WebStore } from "../pipeline/web-store.ts";
import type { Database } from "../store/database.ts";
import type { StorageDependencies } from "./storage-views.ts";

/** What the web server needs of the rest of the appliance. */
export type HttpDependencies = {
  readonly database: Database;
  readonly clock: Clock;
  /** What secrets in the database are encrypted with. */
  readonly sealing: Sealing;
  /** Calls the listener with each change from now on, until the function it returns is called. */
  readonly subscribe: (listener: (event: LiveEvent) => void) => () => void;
  /** 0..1 while inference of a result runs, else null. */
  readonly progressOf: (id: ResultId) => number | null;
  /** Where a result's files lie; the folder need not be there yet. */
  readonly resultFolder: (id: ResultId) => string;
  readonly models: ModelPlaces;
  readonly findModel: (name: string, version: string) => ModelManifest | undefined;
  /** Puts a failed result, or its failed deliveries, back to work. Refused when nothing of it failed. Runs inside a transaction. */
  readonly retry: (id: ResultId) => void;
  /** Sends a failed or waiting delivery again. Refused for the others. Runs inside a transaction. */
  readonly retryDelivery: (id: DeliveryId) => void;
  /** Stops sending to a node, or goes on. Runs inside a transaction. */
  readonly pauseNode: (name: string, paused: boolean) => void;
  /** Asks a node for an answer, and keeps which services it has. Throws which link of the chain is broken. */
  readonly testNode: (name: string) => Promise<NodeTest>;
  readonly findAtNode: (name: string, query: Query) => Promise<Found>;
  /** Has a study or a series fetched. Refused where the node is not used for that. Runs inside a transaction. */
  readonly pull: (name: string, wanted: Pick<Pull, "studyInstanceUid" | "seriesInstanceUid">, askedBy: string) => PullId;
  /** Notes a person's judgement. Refused where there is nothing to judge. Runs inside a transaction. */
  readonly review: (id: ResultId, review: Review) => void;
  /** What DICOMweb needs: where received objects lie, who reads them, and who takes more of them. */
  readonly dicomWeb: {
    readonly objects: WebArchiveOptions["objects"];
    readonly retriever: Retriever;
    readonly store: WebStore;
    /** A request that stores is ended when it is older. */
    readonly longestStoreMs: number;
  };
  readonly storage: StorageDependencies;
  readonly auditCheck: AuditCheck;
  /** How it stands with the syslog server; null where there is none. */
  readonly auditServer: () => AuditServerState | null;
  readonly receiving: () => ReceivingState | Promise<ReceivingState>;
  readonly device: () => Device | Promise<Device>;
};
