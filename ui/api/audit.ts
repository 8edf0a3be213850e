import type { AuditPage, AuditQuery, AuditState } from "../../appliance/api/audit.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson, send } from "./client.ts";

export function listAudit(query: AuditQuery): Promise<AuditPage> {
  return getJson(`${paths.audit}?${parametersOf(query)}`);
}

export function readAuditState(): Promise<AuditState> {
  return getJson(paths.auditState);
}

/** Resolves when the check has come to its end. */
export async function verifyAudit(): Promise<void> {
  await send("POST", paths.auditVerify);
}

export function auditExportAddress(query: AuditQuery): string {
  return `${paths.auditExport}?${parametersOf(query)}`;
}

function parametersOf(query: AuditQuery): string {
  return new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  ).toString();
}
