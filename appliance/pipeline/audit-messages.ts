import { createHash } from "node:crypto";
import { type AuditCode, type AuditMessage, type AuditObject, type AuditParticipant, dcm } from "../dicom/audit-message.ts";
import type { ChainedEntry } from "../store/audit-chain.ts";
import type { Database } from "../store/database.ts";
import { getDelivery } from "../store/deliveries.ts";
import { getResult } from "../store/results.ts";
import { getSeries } from "../store/series.ts";
import { type AuditEvent, auditEventOf } from "./audit-events.ts";

export type AuditMessageOptions = {
  readonly database: Database;
  /** AuditSourceID and AuditEnterpriseSiteID: station, organization. */
  readonly source: AuditMessage["source"];
  /** Whether messages about a study name its Patient ID, as PS3.15 wants; never the patient's name. */
  readonly patientId: boolean;
};

/** An entry's text that is longer goes out as its digest: receivers need not take messages of more than 32,768 octets (PS3.15 A.6). */
const longestEntry = 16_000;

const ours = (code: string, meaning: string): AuditCode => ({ code, system: "99SEGBOX", meaning });
const listed = (code: string, meaning: string): AuditCode => ({ code, system: "RFC-3881", meaning });
const roles = {
  source: dcm("110153", "Source Role ID"),
  destination: dcm("110152", "Destination Role ID"),
  media: dcm("110154", "Destination Media"),
  application: dcm("110150", "Application"),
};

/**
 * The audit message of an entry, PS3.15 A.5. Beside what the standard asks it holds the entry itself and the digest that chains it, so that whoever
 * keeps the messages can do the sums of the chain again. Of patients it has the Study Instance UID at most, and the Patient ID where that is asked for.
 */
export function auditMessageOf(entry: ChainedEntry, { database, source, patientId }: AuditMessageOptions): AuditMessage {
  const event = auditEventOf(entry.action);
  const detail = JSON.parse(entry.detail) as Readonly<Record<string, unknown>>;
  return {
    event: event.event,
    types: [...(event.type ? [event.type] : []), ours(entry.action, entry.action.replaceAll("-", " "))],
    action: event.action,
    at: entry.at,
    outcome: event.outcome,
    participants: participantsOf(entry, event, detail, source.id),
    source,
    objects: [...studyOf(database, entry.object, patientId), ...userOf(entry.object), objectOf(entry)],
  };
}

function participantsOf(
  { actor, object }: ChainedEntry,
  { event, data }: AuditEvent,
  detail: Readonly<Record<string, unknown>>,
  box: string,
): AuditMessage["participants"] {
  const [, kind = "", name = ""] = /^([a-z]+):(.*)$/s.exec(actor) ?? ["", actor, actor];
  const isOwn = kind === "system";
  const address = typeof detail.address === "string" ? { address: detail.address } : {};
  const asked = (more: readonly AuditCode[]): AuditParticipant => ({ userId: name, isRequestor: true, roles: more, ...address });
  const process = (more: readonly AuditCode[]): AuditParticipant => ({ userId: box, isRequestor: isOwn, roles: more });
  const others = isOwn ? [] : [asked([])];
  const peer = typeof detail.node === "string" ? detail.node : object.startsWith("node:") ? object.slice(5) : null;
  const other = (role: AuditCode): AuditParticipant => ({ userId: peer!, isRequestor: false, roles: [role] });
  switch (data) {
    case "in":
      return peer === null
        ? [asked([roles.source]), process([roles.destination])]
        : [other(roles.source), process([roles.destination]), ...others];
    case "out":
      return peer === null
        ? [process([roles.source]), asked([roles.destination])]
        : [process([roles.source]), other(roles.destination), ...others];
    case "media":
      return [asked([roles.source]), { userId: "download", isRequestor: false, roles: [roles.media] }];
    case undefined:
      return [isOwn ? process(event.code === "110100" ? [roles.application] : []) : asked([]), ...(isOwn ? [] : [process([])])];
    default:
      return data satisfies never;
  }
}

/** The study that an entry is about, as long as it is here; with its patient where that is wanted. */
function studyOf(database: Database, object: string, withPatient: boolean): AuditObject[] {
  const [, kind, number] = /^(series|result|delivery):([1-9]\d*)$/.exec(object) ?? [];
  let id = Number(number);
  if (kind === "delivery") id = getDelivery(database, id)?.resultId ?? 0;
  if (kind === "delivery" || kind === "result") id = getResult(database, id)?.seriesId ?? 0;
  const series = kind === undefined ? undefined : getSeries(database, id);
  if (!series) return [];
  const name = `series:${id}`;
  const study: AuditObject = {
    ...{ id: series.studyInstanceUid, idType: dcm("110180", "Study Instance UID"), type: 2, role: 3, name },
    details: {},
  };
  const patient: AuditObject = {
    ...{ id: series.description.patientId || "unknown", idType: listed("2", "Patient Number"), type: 1, role: 1, name },
    details: {},
  };
  return withPatient ? [study, patient] : [study];
}

/** The account that an entry is about. */
function userOf(object: string): AuditObject[] {
  const [, id] = /^user:(.+)$/s.exec(object) ?? [];
  return id === undefined ? [] : [{ id, idType: listed("11", "User Identifier"), type: 1, role: 6, name: id, details: {} }];
}

/** What the entry names, and the entry itself. */
function objectOf({ digest, ...row }: ChainedEntry): AuditObject {
  const { id, at, actor, action, object, detail } = row;
  const text = JSON.stringify([id, at, actor, action, object, detail]);
  const sha256 = createHash("sha256").update(text).digest("hex");
  const isShort = Buffer.byteLength(text) <= longestEntry;
  return {
    id: object,
    idType: ours("object", "Object of the audit trail"),
    type: 2,
    role: 13,
    name: object,
    details: { ...(isShort ? { entry: text } : { "entry-sha256": sha256 }), digest },
  };
}
