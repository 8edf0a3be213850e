import { join } from "node:path";

/** Where everything lies below the data folder. */
export type DataFolder = {
  readonly root: string;
  readonly database: string;
  readonly lock: string;
  /** There while a service runs; left behind by one that was cut off. */
  readonly runMark: string;
  /** What secrets in the database are encrypted with; a backup without it has no second factors. */
  readonly secretKey: string;
  /** Received DICOM files. */
  readonly objects: string;
  /** Models that were imported here; the shipped ones lie with the program. */
  readonly models: string;
  /** What was found out when a model was tried on this box. */
  readonly activation: (model: string) => string;
  /** What `segbox model bench` measured last. */
  readonly benchmark: (model: string) => string;
  /** The web page's own key and certificate. */
  readonly https: string;
  /** Key and request for TLS between DICOM nodes, as `segbox tls request` makes them. */
  readonly tls: string;
  /** After a restore: files that the settings name elsewhere on the machine. */
  readonly namedFiles: string;
  /** Private key of the box that signs how far the audit trail went (PEM); beside it, with `.pub`, the public one. */
  readonly auditKey: string;
  /** Signed heads of the audit trail, JSON lines. */
  readonly auditHeads: string;
  /** Files in passing; emptied at the start. */
  readonly temporary: string;
  /** What the check of files at the start could make nothing of. */
  readonly quarantine: string;
  readonly results: string;
  /** One folder per result. */
  readonly result: (id: number) => string;
};

export function dataFolder(root: string): DataFolder {
  return {
    root,
    database: join(root, "segbox.sqlite"),
    lock: join(root, "service.lock"),
    runMark: join(root, "service.running"),
    secretKey: join(root, "secret.key"),
    objects: join(root, "objects"),
    models: join(root, "models"),
    activation: (model) => join(root, "activations", `${model}.json`),
    benchmark: (model) => join(root, "benchmarks", `${model}.json`),
    https: join(root, "https"),
    tls: join(root, "tls"),
    namedFiles: join(root, "named-files"),
    auditKey: join(root, "audit-key.pem"),
    auditHeads: join(root, "audit-heads.jsonl"),
    temporary: join(root, "temporary"),
    quarantine: join(root, "quarantine"),
    results: join(root, "results"),
    result: (id) => join(root, "results", String(id)),
  };
}
