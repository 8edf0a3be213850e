/** A code of DICOM's (DCM), of PS3.15's lists without a system of its own, or of ours. */
export type AuditCode = { readonly code: string; readonly system: string; readonly meaning: string };

/** Somebody or something that took part: a person, a process, a node. */
export type AuditParticipant = {
  readonly userId: string;
  readonly isRequestor: boolean;
  readonly roles: readonly AuditCode[];
  /** IP address, or host name. */
  readonly address?: string;
};

/** What it was done with. */
export type AuditObject = {
  readonly id: string;
  /** PS3.15 A.5.1.2.4, or DCM 110180. */
  readonly idType: AuditCode;
  /** PS3.15 A.5.1.2.2: 1 a person, 2 a system object … */
  readonly type: 1 | 2 | 3 | 4;
  /** PS3.15 A.5.1.2.2: 1 patient, 3 report, 13 security resource, 24 query … */
  readonly role: number;
  readonly name: string;
  readonly details: Readonly<Record<string, string>>;
};

/** An audit message, PS3.15 A.5. */
export type AuditMessage = {
  readonly event: AuditCode;
  readonly types: readonly AuditCode[];
  /** Create, read, update, delete, execute. */
  readonly action: "C" | "R" | "U" | "D" | "E";
  /** UTC epoch ms. */
  readonly at: number;
  /** 0 done; 4, 8 and 12 refused or failed, ever worse. */
  readonly outcome: 0 | 4 | 8 | 12;
  readonly participants: readonly [AuditParticipant, ...AuditParticipant[]];
  readonly source: { readonly id: string; readonly site: string | null };
  readonly objects: readonly AuditObject[];
};

export function dcm(code: string, meaning: string): AuditCode {
  return { code, system: "DCM", meaning };
}

/** As XML by the schema of PS3.15 A.5.1.1, on one line. */
export function encodeAuditMessage(message: AuditMessage): string {
  const { event, types, action, at, outcome, participants, source, objects } = message;
  const identification = element(
    "EventIdentification",
    { EventActionCode: action, EventDateTime: new Date(at).toISOString(), EventOutcomeIndicator: String(outcome) },
    coded("EventID", event) + types.map((type) => coded("EventTypeCode", type)).join(""),
  );
  const origin = element(
    "AuditSourceIdentification",
    { ...(source.site !== null && { AuditEnterpriseSiteID: source.site }), AuditSourceID: source.id },
    '<AuditSourceTypeCode csd-code="4"/>', // an application server
  );
  const body = identification + participants.map(participant).join("") + origin + objects.map(object).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>${element("AuditMessage", {}, body)}`;
}

function participant({ userId, isRequestor, roles, address }: AuditParticipant): string {
  const where = address === undefined ? {} : { NetworkAccessPointID: address, NetworkAccessPointTypeCode: isAddress(address) ? "2" : "1" };
  return element(
    "ActiveParticipant",
    { UserID: userId, UserIsRequestor: String(isRequestor), ...where },
    roles.map((role) => coded("RoleIDCode", role)).join(""),
  );
}

function isAddress(text: string): boolean {
  return /^[\d.]+$/.test(text) || text.includes(":");
}

function object({ id, idType, type, role, name, details }: AuditObject): string {
  const values = Object.entries(details).map(([key, value]) =>
    element("ParticipantObjectDetail", { type: key, value: Buffer.from(value, "utf8").toString("base64") }),
  );
  return element(
    "ParticipantObjectIdentification",
    { ParticipantObjectID: id, ParticipantObjectTypeCode: String(type), ParticipantObjectTypeCodeRole: String(role) },
    `${coded("ParticipantObjectIDTypeCode", idType)}<ParticipantObjectName>${escaped(name)}</ParticipantObjectName>${values.join("")}`,
  );
}

function coded(name: string, { code, system, meaning }: AuditCode): string {
  return element(name, { "csd-code": code, codeSystemName: system, originalText: meaning });
}

function element(name: string, attributes: Readonly<Record<string, string>>, content = ""): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return content === "" ? `<${name}${head.join("")}/>` : `<${name}${head.join("")}>${content}</${name}>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** What XML 1.0 can't hold, or syslog would break at, becomes U+FFFD. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\uFFFE\uFFFF]/gu, "\uFFFD")
    .replace(/[&<>"]/g, (sign) => entities[sign]!);
}
