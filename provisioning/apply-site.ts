import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RefusedError } from "../appliance/base/errors.ts";
import { plainly } from "../appliance/base/system-errors.ts";
import type { Site } from "../appliance/config/site-file.ts";
import { addAudit } from "../appliance/store/audit.ts";
import type { Database } from "../appliance/store/database.ts";
import { getSetting, listNodes, listRules, replaceNodesAndRules, setSetting } from "../appliance/store/settings.ts";

/**
 * Applies a site file: its station, DICOM and HTTP settings, nodes and rules take the place of those in the database. A file whose content
 * was the last one applied is left alone, so that what was changed at run time since stays. True when it was applied now.
 */
export async function applySiteFile(database: Database, path: string, now: number): Promise<boolean> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new RefusedError("site-file-unreadable", `can't read the site file: ${plainly(error)}`, { cause: error });
  });
  const digest = createHash("sha256").update(text).digest("hex");
  if (getSetting<string>(database, "provisioned") === digest) return false;
  const { parseSiteFile } = await import("../appliance/config/site-file.ts"); // with it a reader of YAML, which most starts don't need
  const site = parseSiteFile(text);
  database.transaction(() => {
    const before = settingsIn(database);
    applySite(database, site);
    setSetting(database, "provisioned", digest);
    const after = settingsIn(database);
    const changed = Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
    const detail = { digest, changed: Object.fromEntries(changed.map((key) => [key, { before: before[key] ?? null, after: after[key] }])) };
    addAudit(database, { at: now, actor: "system", action: "site-file-applied", object: "setting:all", detail });
  });
  return true;
}

/** What a site file sets, as it stands now. Secrets stand in files of their own, of which it has the paths. */
function settingsIn(database: Database): Record<string, unknown> {
  const settings = ["station", "dicom", "http", "retention", "audit", "backup"].map((key) => [key, getSetting(database, key)] as const);
  return { ...Object.fromEntries(settings), nodes: listNodes(database), rules: listRules(database) };
}

function applySite(database: Database, { station, dicom, http, retention, audit, backup, nodes, rules }: Site): void {
  setSetting(database, "station", station);
  setSetting(database, "dicom", dicom);
  setSetting(database, "http", http);
  setSetting(database, "retention", retention);
  setSetting(database, "audit", audit);
  setSetting(database, "backup", backup ?? null);
  replaceNodesAndRules(database, nodes, rules);
}
