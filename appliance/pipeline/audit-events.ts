import { type AuditCode, type AuditMessage, dcm } from "../dicom/audit-message.ts";

/** What an action of the trail is in PS3.15 A.5.3's words (codes: PS3.16 CID 400 to 403). */
export type AuditEvent = {
  readonly event: AuditCode;
  readonly type?: AuditCode;
  readonly action: AuditMessage["action"];
  readonly outcome: AuditMessage["outcome"];
  /** Which way data go, seen from this box. */
  readonly data?: "in" | "out" | "media";
};

const events = {
  activity: dcm("110100", "Application Activity"),
  logUsed: dcm("110101", "Audit Log Used"),
  transferBegun: dcm("110102", "Begin Transferring DICOM Instances"),
  accessed: dcm("110103", "DICOM Instances Accessed"),
  transferred: dcm("110104", "DICOM Instances Transferred"),
  deleted: dcm("110105", "DICOM Study Deleted"),
  export: dcm("110106", "Export"),
  query: dcm("110112", "Query"),
  alert: dcm("110113", "Security Alert"),
  authentication: dcm("110114", "User Authentication"),
};
const types = {
  start: dcm("110120", "Application Start"),
  stop: dcm("110121", "Application Stop"),
  login: dcm("110122", "Login"),
  logout: dcm("110123", "Logout"),
  nodeAuthentication: dcm("110126", "Node Authentication"),
  network: dcm("110128", "Network Configuration"),
  security: dcm("110129", "Security Configuration"),
  software: dcm("110131", "Software Configuration"),
  restricted: dcm("110132", "Use of Restricted Function"),
  roles: dcm("110136", "Security Roles Changed"),
  attributes: dcm("110137", "User Security Attributes Changed"),
};

type Rest = Partial<Omit<AuditEvent, "event">>;
const of = (event: AuditCode, action: AuditEvent["action"], rest: Rest = {}): AuditEvent => ({ event, action, outcome: 0, ...rest });
const alert = (type: AuditCode, outcome: AuditEvent["outcome"] = 0): AuditEvent => of(events.alert, "E", { type, outcome });
const login = (outcome: AuditEvent["outcome"] = 0): AuditEvent => of(events.authentication, "E", { type: types.login, outcome });
const logout = of(events.authentication, "E", { type: types.logout });
const viewed = of(events.accessed, "R");
const changed = of(events.accessed, "U");
const query = of(events.query, "E");
const deleted = of(events.deleted, "D");

/** Each action that the trail knows. One that is missing here goes out as a security alert under its own name. */
const eventOf: Readonly<Record<string, AuditEvent>> = {
  "service-started": of(events.activity, "E", { type: types.start }),
  "service-stopped": of(events.activity, "E", { type: types.stop }),

  "sign-in": login(),
  "sign-in-failed": login(4),
  "second-factor-given": login(),
  "second-factor-failed": login(4),
  "sign-out": logout,
  "own-session-ended": logout,
  "signed-out-everywhere": logout,
  "user-sessions-ended": logout,
  "token-refused": alert(types.nodeAuthentication, 4),

  "user-added": alert(types.attributes),
  "user-removed": alert(types.attributes),
  "user-role-changed": alert(types.roles),
  "user-password-reset": alert(types.attributes),
  "user-second-factor-reset": alert(types.attributes),
  "password-changed": alert(types.attributes),
  "second-factor-proposed": alert(types.attributes),
  "second-factor-set-up": alert(types.attributes),
  "second-factor-removed": alert(types.attributes),
  "recovery-codes-renewed": alert(types.attributes),
  "token-issued": alert(types.security),
  "token-revoked": alert(types.security),
  "node-token-issued": alert(types.security),
  "node-token-revoked": alert(types.security),
  "certificate-requested": alert(types.security),
  "setting-changed": alert(types.security),
  "site-file-applied": alert(types.network),
  "node-added": alert(types.network),
  "node-removed": alert(types.network),
  "node-paused": alert(types.network),
  "node-resumed": alert(types.network),
  "node-tested": alert(types.network),
  "model-imported": alert(types.software),
  "model-activation-begun": alert(types.software),
  "model-measurement-begun": alert(types.software),
  "model-quantization-begun": alert(types.software),

  "series-arriving": of(events.transferBegun, "E", { data: "in" }),
  "pull-asked": of(events.transferBegun, "E", { data: "in" }),
  "dicomweb-store-begun": of(events.transferBegun, "E", { data: "in" }),
  "series-received": of(events.transferred, "C", { data: "in" }),
  "dicomweb-stored": of(events.transferred, "C", { data: "in" }),
  "instance-refused": of(events.transferred, "C", { data: "in", outcome: 4 }),
  "result-delivery-begun": of(events.transferBegun, "E", { data: "out" }),
  "result-delivered": of(events.transferred, "R", { data: "out" }),
  "result-delivery-failed": of(events.transferred, "R", { data: "out", outcome: 8 }),
  "dicomweb-retrieved": of(events.transferred, "R", { data: "out" }),

  "worklist-viewed": query,
  "worklist-followed": query,
  "deliveries-viewed": query,
  "dicomweb-searched": query,
  "node-queried": query,
  "series-viewed": viewed,
  "images-viewed": viewed,
  "file-downloaded": of(events.export, "R", { data: "media" }),
  "study-exported": of(events.export, "R", { data: "media" }),
  "result-accepted": changed,
  "result-rejected": changed,
  "result-retried": changed,
  "delivery-retried": changed,
  "series-settled": changed,

  "study-erased": deleted,
  "series-deleted": deleted,
  "images-deleted": deleted,
  "traces-deleted": deleted,
  "retention-run": deleted,
  "purge-ordered": deleted,

  "backup-begun": of(events.export, "R", { data: "media" }),
  "backup-made": of(events.export, "R", { data: "media" }),
  "backup-failed": of(events.export, "R", { data: "media", outcome: 8 }),
  "backup-passphrase-set": alert(types.security),
  "restored-from-backup": alert(types.restricted),

  "files-checked": changed,

  "audit-viewed": of(events.logUsed, "R"),
  "audit-exported": of(events.logUsed, "R"),
  "audit-verified": of(events.logUsed, "R"),
};

export function auditEventOf(action: string): AuditEvent {
  return Object.hasOwn(eventOf, action) ? eventOf[action]! : alert(types.restricted);
}

export const knownActions: readonly string[] = Object.keys(eventOf).toSorted();
